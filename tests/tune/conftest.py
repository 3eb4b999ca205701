"""Searches whose trials cost nothing: a score is worked out from the configuration alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossspace.configuration import make_configuration
from crossspace.data.corpus import Corpus
from crossspace.errors import TrainingError
from crossspace.training.devices import Devices
from crossspace.tune.folds import Folds
from crossspace.tune.search import Search, settings_of
from crossspace.tune.space import Space
from crossspace.tune.trials import Trials

SPACE = {
    "model.dropout": {"low": 0.0, "high": 0.5},
    "model.width": [8, 16],
    "training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
}
FreeSearch = Callable[..., Search]


def score(_: Folds, configuration: Any, fold: int, folder: Path) -> float:
    """As good as the learning rate is near the middle, with luck that differs between folds."""
    if configuration.model["dropout"] > 0.48:
        raise TrainingError("too much is dropped")
    text = f"{configuration.training.learning_rate!r} {configuration.model['dropout']!r} {fold}"
    luck = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32
    return 0.5 + 0.3 * luck - abs(configuration.model["dropout"] - 0.3)


_real = Space.configuration
_known: dict[str, Any] = {}


def _configuration(space: Space, drawn: dict[str, Any]) -> Any:
    """The real one; searches that draw the same need it once."""
    return _known.get(str(drawn)) or _known.setdefault(str(drawn), _real(space, drawn))


@pytest.fixture
def free_search(
    tiny_corpus: Corpus, tiny_tree: dict[str, dict], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FreeSearch:
    """A search in a folder of the given name, with no training in it."""
    monkeypatch.setattr(Folds, "score", score)
    monkeypatch.setattr("crossspace.tune.search._WAIT", 0.01)
    monkeypatch.setattr(Space, "configuration", _configuration)
    space = Space.of(SPACE, make_configuration(tiny_tree))
    folds = Folds(tiny_corpus, 2, [0], Devices("cpu", threads=1))

    def make(name: str = "search", **options: Any) -> Search:
        settings = settings_of(space, tiny_corpus.fingerprint, "c.parquet", 2, 1, 0)
        return Search(space, folds, settings, tmp_path / name, **options)

    return make


def table(trials: Trials) -> list[tuple[Any, ...]]:
    """Everything that a search finds, trial by trial."""
    return [
        (t.number, t.state.name, t.value, sorted(t.params.items()), t.user_attrs, t.intermediate_values)
        for t in trials.finished()
    ]
