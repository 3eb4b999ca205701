"""What a model says about every utterance of a conversation, in words: the record that users get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np

from crossspace.inference.probabilities import Inference

Coalition = frozenset[str]


def coalitions(players: Sequence[str]) -> list[Coalition]:
    """Every subset of the modalities, the full one last."""
    return [frozenset(members) for size in range(len(players) + 1) for members in combinations(players, size)]


def utterance_records(
    ids: Sequence[str], labels: Sequence[str], said: Mapping[Coalition, Inference], named: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """One record per utterance, as :meth:`Predictor.predict` describes it.

    Args:
        ids: of the utterances.
        labels: of the model.
        said: what the model says when it sees only the modalities of a coalition; the last is the prediction.
        named: the modalities whose contributions each utterance gets; others should not contribute.
    """
    prediction = list(said.values())[-1]
    chosen, rows = prediction.probabilities.argmax(1), np.arange(len(ids))
    value = {coalition: inference.probabilities[rows, chosen] for coalition, inference in said.items()}
    contributions = {m: shapley(m, value) for m in {m for names in named for m in names}}
    return [
        {
            "utterance_id": name,
            "label": labels[int(chosen[row])],
            "probabilities": _named(labels, prediction.probabilities[row]),
            "unimodal": {
                m: _named(labels, alone[row])
                for m, alone in prediction.unimodal.items()
                if not np.isnan(alone[row]).any()
            },
            "contributions": {m: float(contributions[m][row]) for m in named[row]},
        }
        for row, name in enumerate(ids)
    ]


def shapley(player: str, value: Mapping[Coalition, np.ndarray]) -> np.ndarray:
    """The Shapley value of ``player``, from the value of every coalition; a player who changes nothing gets zero."""
    players = frozenset().union(*value)
    total = np.zeros_like(value[frozenset()])
    for coalition, without in value.items():
        if player not in coalition:
            # The share of all orders in which the modalities of the coalition come first, and this player next.
            weight = factorial(len(coalition)) * factorial(len(players) - len(coalition) - 1) / factorial(len(players))
            total = total + weight * (value[coalition | {player}] - without)
    return total


def _named(labels: Sequence[str], probabilities: np.ndarray) -> dict[str, float]:
    return {label: float(p) for label, p in zip(labels, probabilities, strict=True)}
