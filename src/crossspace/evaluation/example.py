"""The conversation that a report shows as an example, and how it is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossspace.evaluation.captions import plain

_NEEDED = ("seed", "conversation_id", "position", "speaker", "label", "confidence", "truth")
_OPTIONAL = ("split", "text", "start", "end")


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance of the example: who, when (seconds, where known), what, and which emotion.

    Attributes:
        number: position in the conversation, from 1.
        confidence: probability of ``predicted``, from 0 to 1.
    """

    number: int
    speaker: str
    predicted: str
    confidence: float
    truth: str | None = None
    text: str | None = None
    start: float | None = None
    end: float | None = None

    @property
    def right(self) -> bool | None:
        """Whether the prediction is right; ``None`` when the truth is not known."""
        return None if self.truth is None else self.truth == self.predicted


@dataclass(frozen=True)
class Example:
    """The first utterances of one conversation, as one seed's model saw them.

    Attributes:
        lines: at most ``longest`` utterances from the beginning.
        length: utterances of the whole conversation.
        right, labelled: how many of its labelled utterances were named rightly, over the whole conversation.
    """

    conversation_id: str
    seed: int
    lines: tuple[Line, ...]
    length: int
    right: int
    labelled: int


def choose_example(predictions: pa.Table, *, seed: int, split: str = "test", longest: int = 24) -> Example | None:
    """The conversation whose accuracy is nearest to that of the whole split, so that it flatters nobody.

    Conversations of 6 to ``longest`` utterances are preferred; among equals, the one with more different emotions,
    then the first by name. ``None`` when the table lacks a column or holds nothing for the seed and split.
    """
    if any(name not in predictions.column_names for name in _NEEDED):
        return None
    names = [*_NEEDED, *(name for name in _OPTIONAL if name in predictions.column_names)]
    table = predictions.select(names).filter(pc.equal(predictions["seed"], seed))
    if "split" in names:
        table = table.filter(pc.equal(table["split"].cast(pa.string()), split))
    # groupby needs conversations in one piece, and lines in the order in which they were spoken.
    rows = sorted(table.to_pylist(), key=lambda row: (row["conversation_id"], row["position"]))
    examples = [
        _example(list(group), seed, longest) for _, group in groupby(rows, key=lambda row: row["conversation_id"])
    ]
    if not examples:
        return None
    # Of this seed alone: that of another one may be far from every conversation of this.
    overall = sum(e.right for e in examples) / max(sum(e.labelled for e in examples), 1)
    return min(examples, key=lambda example: _rank(example, overall, longest))


def _rank(example: Example, overall: float, longest: int) -> tuple[Any, ...]:
    accuracy = example.right / example.labelled if example.labelled else -1.0
    emotions = {line.truth for line in example.lines} | {line.predicted for line in example.lines}
    # Shorter ones show no course, longer ones would be cut.
    unfit = not 6 <= example.length <= longest
    # Rounded, so that conversations of nearly the same accuracy are equals and the livelier one is taken.
    return unfit, round(abs(accuracy - overall), 2), -len(emotions), example.conversation_id


def _example(rows: Sequence[Mapping[str, Any]], seed: int, longest: int) -> Example:
    lines = [
        Line(
            number=int(row["position"]) + 1,
            speaker=plain(row["speaker"]),
            predicted=str(row["label"]),
            confidence=float(row["confidence"]),
            truth=row["truth"],
            text=row.get("text"),
            start=row.get("start"),
            end=row.get("end"),
        )
        for row in rows
    ]
    verdicts = [line.right for line in lines if line.right is not None]
    return Example(
        str(rows[0]["conversation_id"]), seed, tuple(lines[:longest]), len(lines), sum(verdicts), len(verdicts)
    )
