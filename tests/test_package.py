"""The public names, and how little an import loads."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import crossspace

NAMES = ("Utterance", "Conversation", "TaskSpec", "Corpus", "Batch", "Output", "Model", "Predictor")


@pytest.mark.parametrize("name", NAMES)
def test_public_names_come_from_the_package_itself(name: str) -> None:
    assert inspect.isclass(getattr(crossspace, name))
    assert name in crossspace.__all__ and name in dir(crossspace)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Predicter"):
        crossspace.Predicter  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("crossspace.nn", "SynergisticPolynomialFusion"),
        ("crossspace.balance", "pareto_weights"),
        ("crossspace.balance", "ParetoGradientModulator"),
    ],
)
def test_names_of_the_design_are_where_it_says(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_signatures_are_those_of_the_design() -> None:
    pgm = inspect.signature(importlib.import_module("crossspace.balance").ParetoGradientModulator)
    assert {k: p.default for k, p in pgm.parameters.items()} == {"space": "parameters", "apply": "losses", "every": 1}
    fusion = inspect.signature(importlib.import_module("crossspace.nn").SynergisticPolynomialFusion)
    assert list(fusion.parameters)[:5] == ["width", "modalities", "order", "rank", "out_width"]


def test_import_and_help_load_neither_torch_nor_anything_else_heavy() -> None:
    program = """
import sys, crossspace
from crossspace.cli.main import main
assert main(["--help"]) == 0 and main(["--version"]) == 0 and main([]) == 0
assert main(["data", "--help"]) == 0 and main(["trian"]) == 2
heavy = {"torch", "lightning_fabric", "sklearn", "matplotlib", "jsonargparse", "pyarrow", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "usage: crossspace" in found.stdout


def test_gathering_turns_and_listing_extractors_need_no_pytorch() -> None:
    code = (
        "import sys; from crossspace.features.extraction import conversation;"
        "from crossspace.features.extractors import extractors;"
        "[list(found) for found in extractors().values()]; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
