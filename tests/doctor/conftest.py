"""An installation of crossspace with libraries of every kind of health."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crossspace.doctor import examination

LIBRARIES = {
    "healthy-one": ("1.2", "print('libraries talk when they are imported')"),
    "old-one": ("1.2", ""),
    "broken-one": ("1.2", "raise ImportError('its other half is of another release')"),
    "ending-one": ("1.2", "raise SystemExit(3)"),
    "deadly-one": ("1.2", "import os; os._exit(7)"),
    "grouped": ("3.0", ""),
}
REQUIRES = (
    "healthy-one>=1.0",
    "healthy-one; extra == 'healthy'",
    "grouped[more]>=2; extra == 'healthy'",
    "old-one>=5,<6; extra == 'old'",
    "broken-one>=1; extra == 'broken'",
    "ending-one; extra == 'broken'",
    "deadly-one; extra == 'deadly'",
    "absent-one>=2; extra == 'absent'",
    "healthy-one; extra == 'partly'",
    "crossspace[healthy,absent]; extra == 'partly'",
    "elsewhere-only; sys_platform == 'nowhere' and extra == 'healthy'",
    "pytest; extra == 'test'",
)


def distribution(folder: Path, name: str, version: str, lines: list[str]) -> None:
    home = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    home.mkdir()
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
    (home / "METADATA").write_text(text + "\n", encoding="utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes an installation, of which some extras are there to be asked for."""

    def install(*extras: str, requires: tuple[str, ...] = REQUIRES) -> Path:
        for name, (version, code) in LIBRARIES.items():
            more = ["Requires-Dist: absent-one; extra == 'unasked'", "Requires-Dist: healthy-one; extra == 'more'"]
            distribution(tmp_path, name, version, more if name == "grouped" else [])
            (tmp_path / f"{name.replace('-', '_')}.py").write_text(code, encoding="utf-8")
        lines = [f"Provides-Extra: {extra}" for extra in (*extras, "test")]
        lines += [f"Classifier: Programming Language :: Python :: 3.{minor}" for minor in range(10, 15)]
        distribution(tmp_path, "crossspace", "0.1.0", [*lines, *(f"Requires-Dist: {text}" for text in requires)])
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(examination, "FEATURES", {f"with {extra}": (extra,) for extra in extras})
        return tmp_path

    return install
