"""An analysis as the body of an answer."""

from __future__ import annotations

from typing import get_args

import pytest

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.exports import FORMATS
from crossspace.serve.answers import Format, answer_with


@pytest.mark.parametrize("name", [f for f in get_args(Format) if f != "json"])
def test_every_format_comes_as_a_file_with_its_ending(name: str) -> None:
    said = UtteranceAnalysis("u", "ANN", 1.0, 2.5, "Fine.", "joy", 0.75, {"joy": 0.75, "anger": 0.25})
    model = {"name": "m", "kind": "css", "modalities": ["text"], "causal": False, "in_the_box": True}
    analysis = Analysis("talk", ("joy", "anger"), model, None, (said,))
    answer = answer_with(analysis, name, {}, labels=True)
    assert answer.headers["content-disposition"] == f'attachment; filename="analysis.{name}"'
    # Pictures and pages of PDF hold outlines; that their words are right is looked at where they are drawn.
    assert name in ("pdf", "png") or b"ANN" in answer.body
    assert (b"Fine. [joy 75 %]" in answer.body) == (name in ("vtt", "srt"))


def test_what_the_command_line_writes_is_answered_too() -> None:
    assert {f".{name}" for name in get_args(Format)} == set(FORMATS)
