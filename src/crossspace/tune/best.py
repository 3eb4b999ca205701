"""The best configuration of a search: how it is written down, and trained again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from crossspace.configuration import Configuration, read_configuration
from crossspace.tune.folds import Folds
from crossspace.tune.space import Space
from crossspace.tune.trials import ARGUMENTS

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

BEST = "best.yaml"


def best_text(best: FrozenTrial, space: Space, settings: dict[str, Any]) -> str:
    """The content of ``best.yaml``: a complete configuration, after lines that say where it comes from."""
    configuration = space.configuration(best.user_attrs[ARGUMENTS])
    lines = [
        f"# The best of a search: trial {best.number}, weighted F1 {best.value!r}",
        f"# mean over {settings['folds']} folds of the training and validation conversations, "
        f"seeds 0 to {settings['seeds'] - 1}; the test split was not read.",
        f"# corpus fingerprint {settings['fingerprint']}",
    ]
    beside: dict[str, Any] = {key: settings[key] for key in ("data", "imports") if key in settings}
    content = {**beside, **configuration.to_dict()}
    return "\n".join(lines) + "\n" + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def train_best_again(folder: str | Path, folds: Folds) -> list[float]:
    """The score of ``best.yaml`` on every fold, trained afresh."""
    folder = Path(folder)
    configuration: Configuration = read_configuration(file=folder / BEST)
    place = folder / "rerun"
    try:
        return [folds.score(configuration, fold, place) for fold in range(len(folds.corpora))]
    finally:
        shutil.rmtree(place, ignore_errors=True)
