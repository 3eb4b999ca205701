"""Components are found in files and in folders, each once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crossspace.components import discover
from crossspace.nn.encoders import ENCODERS, Encoder
from crossspace.nn.fusion import FUSIONS, Fusion

_CLASS = """from crossspace.nn.fusion.base import Fusion


class {name}(Fusion):
    name = "{name}"

    def fuse(self, rows, here):
        return rows[0]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "grown"
    (root / "paper").mkdir(parents=True)
    (root / "__init__.py").touch()
    (root / "alone.py").write_text(_CLASS.format(name="Alone") + "\n\nclass Nameless(Fusion):\n    pass\n")
    (root / "paper" / "__init__.py").write_text(
        "from grown.paper.model import InFolder\nfrom grown.alone import Alone\n"
    )
    (root / "paper" / "model.py").write_text(_CLASS.format(name="InFolder"))
    monkeypatch.syspath_prepend(tmp_path)
    yield root
    for name in [name for name in sys.modules if name.partition(".")[0] == "grown"]:
        del sys.modules[name]


def test_files_and_folders_are_looked_into_and_a_class_counts_where_it_is_defined(package: Path) -> None:
    found = discover("grown", [str(package)], Fusion)
    assert {name: kind.__module__ for name, kind in found.items()} == {
        "Alone": "grown.alone",
        "InFolder": "grown.paper.model",
    }


@pytest.mark.parametrize(("table", "base"), [(FUSIONS, Fusion), (ENCODERS, Encoder)])
def test_every_offered_part_is_one_file_of_its_folder(table: dict, base: type) -> None:
    homes = [kind.__module__ for kind in table.values()]
    assert len(set(homes)) == len(homes)
    assert {home.rpartition(".")[0] for home in homes} == {base.__module__.rpartition(".")[0]}
