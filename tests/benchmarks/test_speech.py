from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.speech.conversations import drawn
from benchmarks.speech.speaker_errors import Turn, speaker_errors
from benchmarks.speech.word_errors import normalised, references, word_errors

REFERENCE: list[Turn] = [(0.0, 10.0, "a"), (10.0, 14.0, "b"), (15.0, 20.0, "a")]


def test_errors_of_words_are_counted_as_by_hand() -> None:
    errors = word_errors("he was not an ill disposed young man", "He was, an ill-disposed young men too.")
    assert (errors.words, errors.substituted, errors.deleted, errors.inserted) == (8, 1, 1, 1)
    assert errors.rate == pytest.approx(3 / 8)
    assert word_errors("", "a").inserted == 1 and word_errors("a b", "").rate == 1
    assert (word_errors("a b", "a b") + word_errors("a b", "a")).rate == pytest.approx(0.25)


def test_case_and_signs_are_no_errors() -> None:
    assert normalised("And Mr. Dashwood, who's “ill-disposed”!") == [
        "and",
        "mister",
        "dashwood",
        "who's",
        "ill",
        "disposed",
    ]


def test_transcripts_of_read_clips_are_found_beside_them(tmp_path: Path) -> None:
    (tmp_path / "transcription").write_text("<s> ten of clubs </s> (001)\n\nfive five (x_2)\n")
    assert list(references(tmp_path)) == [(tmp_path / "001.wav", "ten of clubs"), (tmp_path / "x_2.wav", "five five")]


@pytest.mark.parametrize(
    ("found", "missed", "false", "confused"),
    [
        ([(0.0, 10.0, "x"), (10.0, 14.0, "y"), (15.0, 20.0, "x")], 0, 0, 0),
        ([(0.0, 20.0, "x")], 0, 1, 4),
        ([(0.0, 5.0, "x")], 14, 0, 0),
        ([(0.0, 10.0, "x"), (0.0, 10.0, "y"), (10.0, 14.0, "y"), (15.0, 20.0, "y")], 0, 10, 4),
        ([(0.0, 10.0, "x"), (10.0, 12.0, "x"), (12.0, 14.0, "z"), (15.0, 20.0, "x"), (30.0, 31.0, "x")], 0, 1, 2),
    ],
)
def test_errors_of_speakers_are_those_worked_out_by_hand(
    found: list[Turn], missed: float, false: float, confused: float
) -> None:
    errors = speaker_errors(REFERENCE, found)
    measured = (errors.speech, errors.missed, errors.false, errors.confused)
    assert measured == pytest.approx((19, missed, false, confused), abs=0.03)


def test_borders_do_not_count_within_the_collar() -> None:
    late = [(0.2, 10.2, "x"), (10.2, 14.2, "y"), (15.2, 20.2, "x")]
    assert speaker_errors(REFERENCE, late).rate > 0.03
    assert speaker_errors(REFERENCE, late, collar=0.25).rate == 0


def test_errors_of_speakers_are_those_of_a_known_library() -> None:
    metrics = pytest.importorskip("pyannote.metrics.diarization")
    core = pytest.importorskip("pyannote.core")
    random = np.random.default_rng(0)
    for _ in range(10):
        sides = []
        for _ in range(2):
            edges = np.sort(np.round(random.uniform(0, 60, 24), 2)).reshape(-1, 2)
            sides.append([(float(a), float(b), str(random.integers(3))) for a, b in edges if b - a > 0.05])
        notes = []
        for turns in sides:
            annotation = core.Annotation()
            for number, (start, end, name) in enumerate(turns):
                annotation[core.Segment(start, end), number] = name
            notes.append(annotation)
        for collar in (0.0, 0.25):
            # There a collar is the whole width of what does not count.
            whole = core.Timeline([core.Segment(0, 60)])
            known = metrics.DiarizationErrorRate(collar=2 * collar)(notes[0], notes[1], uem=whole)
            assert speaker_errors(sides[0], sides[1], collar).rate == pytest.approx(known, abs=0.01)


def test_everybody_speaks_in_a_drawn_conversation_and_nobody_twice_in_a_row() -> None:
    people = {name: [np.full(16_000 * n, 0.1, np.float32) for n in (1, 2)] for name in "abc"}
    samples, turns = drawn(people, 2, 30.0, np.random.default_rng(0))
    assert len({name for _, _, name in turns}) == 2 and turns[-1][1] <= len(samples) / 16_000 + 1e-6
    for start, end, _ in turns:
        assert samples[round(start * 16_000) + 10 : round(end * 16_000) - 10].mean() == pytest.approx(0.1, abs=0.01)
    gaps = [after[0] - before[1] for before, after in pairwise(turns)]
    assert min(gaps) >= 0.09 and max(gaps) <= 0.61
