"""The small model that hands everything on, for tests of the training step."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from crossspace.components import load
from crossspace.models.base import Model


@pytest.fixture(scope="session")
def example() -> Callable[..., Model]:
    """The class of that model."""
    spec = importlib.util.spec_from_file_location("example", Path(__file__).with_name("example.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Example


@pytest.fixture
def stranger(only_the_box: object) -> type[Model]:
    """A model in a file outside of the package."""
    return load(Path(__file__).parents[1] / "components" / "stranger.py").Mine
