from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from crossspace.features.speech.chunks import Chunk, chunks, piece


def test_speech_is_packed_into_pieces_that_a_recogniser_hears_at_a_time() -> None:
    speech = [(1.0, 11.0), (11.5, 20.0), (60.0, 68.0), (69.0, 90.0)]
    packed = list(chunks(speech, 100.0))
    assert [chunk.seconds <= 30.0 for chunk in packed] == [True] * len(packed)
    assert [stretch for chunk in packed for stretch in chunk.speech] == speech
    # The gap of half a second is heard, that of forty is cut out.
    assert packed[0].spans == ((0.8, 20.2), (59.8, 68.2))


def test_no_sound_is_heard_twice_and_all_speech_once() -> None:
    random = np.random.default_rng(0)
    edges = np.sort(random.uniform(0, 2000, 400)).reshape(-1, 2)
    speech = [(float(a), float(min(b, a + 30))) for a, b in edges]
    spans = [span for chunk in chunks(speech, 2000.0) for span in chunk.spans]
    assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(spans))
    for start, end in speech:
        assert any(a <= start and end <= b for a, b in spans)


def test_stretches_as_long_as_a_piece_stay_whole() -> None:
    packed = list(chunks([(0.0, 30.0), (30.0, 60.0)], 60.0))
    assert [chunk.spans for chunk in packed] == [((0.0, 30.0),), ((30.0, 60.0),)]
    assert not list(chunks([], 10.0))


@pytest.mark.parametrize(
    ("heard", "placed"),
    [((0.5, 1.0), (10.5, 11.0)), ((1.8, 2.1), (11.8, 12.0)), ((1.9, 3.0), (50.0, 51.0)), ((4.0, 9.0), (52.0, 53.0))],
)
def test_words_are_placed_where_they_were_said_and_never_across_a_cut(
    heard: tuple[float, float], placed: tuple[float, float]
) -> None:
    chunk = Chunk(((10.0, 12.0), (50.0, 53.0)), ())
    assert chunk.span_of(*heard) == pytest.approx(placed)


def test_a_span_without_sound_adds_nothing() -> None:
    assert piece([None, np.ones(3, np.float32), None]).tolist() == [1.0, 1.0, 1.0]
