"""The page on the layout of the code names every folder, in the order of the law of imports, and nothing else."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "crossspace"
PAGE = (ROOT / "docs" / "concepts" / "architecture.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("| folder | holds |") : PAGE.index("## The path of a row")]


def named(text: str) -> list[str]:
    return re.findall(r"`([\w/]+(?:\.py|/))`", text)


def test_every_folder_and_module_of_the_package_stands_in_the_table_once() -> None:
    first_cells = [line.split("|")[1] for line in TABLE.splitlines()[2:] if line.startswith("|")]
    names = [name for cell in first_cells for name in named(cell)]
    modules = {p.name for p in PACKAGE.glob("*.py") if not p.name.startswith("__")}
    # What a model says of a batch is one class, which the text on the path of a row explains.
    expected = {f"{p.name}/" for p in PACKAGE.iterdir() if (p / "__init__.py").exists()} | modules - {"output.py"}
    assert expected <= set(names)
    assert len(names) == len(set(names))


def test_every_path_that_the_page_names_is_there() -> None:
    paths = set(named(PAGE))
    assert len(paths) > 60
    assert sorted(p for p in paths if not (PACKAGE / p).exists()) == []


def test_the_table_has_the_order_of_the_law() -> None:
    if sys.version_info < (3, 11):
        return  # no reader of TOML in the standard library
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = settings["tool"]["importlinter"]["contracts"]
    rank: dict[str, int] = {}
    for place, layer in enumerate(contract["layers"]):
        for module in layer.split(" : "):
            rank.setdefault(module.split(".")[1], place)
    rows = [line.split("|")[1] for line in TABLE.splitlines() if line.startswith("|")]
    order = [name.strip("/").removesuffix(".py") for row in rows for name in named(row)]
    ranks = [rank[name] for name in order if name in rank]
    assert len(ranks) >= 20
    assert ranks == sorted(ranks)
