"""What is in the wheel and in the source distribution, and how much: built here, without a network."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import crossspace

pytest.importorskip("hatchling")
ROOT = Path(__file__).resolve().parents[1]
LARGEST = 7_500_000
"""Bytes of the wheel; six million of them are the model in the box."""


def built(kind: str, source: Path, target: Path) -> Path:
    words = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(words, cwd=source, check=True, capture_output=True)
    (file,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return file


@pytest.fixture(scope="module")
def wheel(once: Callable[..., Path]) -> zipfile.ZipFile:
    folder = once("wheel", lambda target: built("wheel", ROOT, target) and None)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.fixture(scope="module")
def source(once: Callable[..., Path]) -> Path:
    return next(once("sdist", lambda target: built("sdist", ROOT, target) and None).glob("*.tar.gz"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    roots = {name.split("/")[0] for name in wheel.namelist()}
    assert roots == {"crossspace", f"crossspace-{crossspace.__version__}.dist-info"}
    assert not [n for n in wheel.namelist() if n.endswith((".pyc", ".orig")) or "__pycache__" in n]


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "src" / "crossspace"
    stated = {p.relative_to(ROOT / "src").as_posix() for p in package.rglob("*") if p.is_file()}
    stated = {name for name in stated if "__pycache__" not in name}
    assert stated == {n for n in wheel.namelist() if n.startswith("crossspace/")}
    needed = ("py.typed", "pretrained/model.safetensors", "pretrained/encoder/adapter_model.safetensors")
    needed += ("evaluation/templates/report.html.jinja", "serve/page/index.html", "recipes/css-mosi.yaml")
    assert {f"crossspace/{name}" for name in needed} <= stated


def test_the_wheel_is_small(wheel: zipfile.ZipFile) -> None:
    assert Path(str(wheel.filename)).stat().st_size < LARGEST
    assert sum(one.file_size for one in wheel.infolist()) < 2 * LARGEST


def test_the_wheel_says_how_it_may_be_used(wheel: zipfile.ZipFile) -> None:
    (name,) = [n for n in wheel.namelist() if n.endswith("METADATA")]
    said = wheel.read(name).decode()
    assert "License-Expression: Apache-2.0" in said and "Requires-Python: >=3.10" in said
    assert [n for n in wheel.namelist() if n.endswith("licenses/LICENSE")]


def test_the_source_builds_the_same_wheel_again(source: Path, wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    with tarfile.open(source) as archive:
        names = archive.getnames()
        if hasattr(tarfile, "data_filter"):
            archive.extractall(tmp_path, filter="data")
        else:
            archive.extractall(tmp_path)
    (root,) = {name.split("/")[0] for name in names}
    assert {f"{root}/{name}" for name in ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml")} <= set(names)
    again = zipfile.ZipFile(built("wheel", tmp_path / root, tmp_path / "wheel"))
    assert {i.filename: i.CRC for i in again.infolist()} == {i.filename: i.CRC for i in wheel.infolist()}


def test_versions_agree() -> None:
    import yaml

    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'\nversion = "{crossspace.__version__}"\n' in project
    assert str(cited["version"]) == crossspace.__version__
