"""Whether the environment holds exactly the lowest versions that ``pyproject.toml`` allows; `make test-lowest` asks.

    python -m benchmarks.lowest [extras]

A bound that another library's bound lies above would never be run, and so be a guess. Extras ask for later releases of
what the package itself asks for; so there are two environments, one without any extra and one with all.
"""

from __future__ import annotations

import importlib.metadata
import sys

from packaging.requirements import Requirement
from packaging.version import Version


def guesses(extras: bool) -> list[str]:
    """One line per bound of the package itself, or of its extras but those of tools, that is not what is installed."""
    found = []
    for text in importlib.metadata.requires("crossspace") or ():
        requirement = Requirement(text)
        marker = str(requirement.marker)
        if ("extra ==" in marker) != extras or any(f'extra == "{tools}"' in marker for tools in ("check", "docs")):
            continue
        for bound in (one.version for one in requirement.specifier if one.operator == ">="):
            try:
                installed = importlib.metadata.version(requirement.name)
            except importlib.metadata.PackageNotFoundError:
                installed = None
            if installed is None or Version(installed) != Version(bound):
                found.append(f"{requirement.name}>={bound}: {installed or 'nothing'} is installed")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(guesses(extras=sys.argv[1:] == ["extras"])) or None)
