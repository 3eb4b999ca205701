"""An installation of crossspace with libraries of every kind of health."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import packaging
import pytest
from packaging.requirements import Requirement

from crossspace.doctor import examination
from crossspace.doctor.features import ITSELF
from crossspace.doctor.requirements import module_of

ROOT = Path(__file__).resolve().parents[2]

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
        monkeypatch.setattr(examination, "FEATURES", {f"with {extra}": (ITSELF, extra) for extra in extras})
        return tmp_path

    return install


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """What ``pyproject.toml`` says of the package."""
    tomllib = pytest.importorskip("tomllib")
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"])


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: dict[str, Any]) -> Callable[..., Path]:
    """Makes an environment with crossspace as it is and, of libraries, those of some lines such as ``numpy>=2.0``."""

    def install(*lines: str) -> Path:
        for line in lines:
            (lowest,) = re.findall(r">=([\d.]+)", line)
            name = Requirement(line).name
            distribution(tmp_path, name, lowest, [])
            if name != "packaging":
                (tmp_path / f"{module_of(name)}.py").write_text("", encoding="utf-8")
        shutil.copytree(Path(packaging.__file__).parent, tmp_path / "packaging")  # by which the lines are read
        asked = [f"Requires-Dist: {line}" for line in project["dependencies"]]
        for extra, found in project["optional-dependencies"].items():
            asked += [f"Provides-Extra: {extra}", *(f"Requires-Dist: {line}; extra == '{extra}'" for line in found)]
        distribution(tmp_path, "crossspace", project["version"], asked)
        monkeypatch.setattr(sys, "path", [str(tmp_path), *(p for p in sys.path if "site-packages" not in p)])
        return tmp_path

    return install
