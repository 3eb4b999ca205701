from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from crossspace.features.speech.chunks import Chunk
from crossspace.features.speech.clusters import centres
from crossspace.features.speech.recognisers import HeardWord
from crossspace.features.speech.voices import Voices, voices_of
from crossspace.features.speech.windows import WINDOW, window_samples, windows


def around(middle: int, count: int, random: np.random.Generator, spread: float = 0.15) -> np.ndarray:
    """Vectors of one voice: near an axis of its own."""
    vectors = np.zeros((count, 16)) + spread * random.standard_normal((count, 16))
    vectors[:, middle] += 1.0
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("people", [1, 2, 3, 5])
def test_as_many_voices_are_found_as_there_are(people: int) -> None:
    random = np.random.default_rng(people)
    vectors = np.concatenate([around(k, 40, random) for k in range(people)])
    assert len(centres(vectors, None, 0.6)) == people
    assert len(centres(vectors, 2, 0.6)) == 2


def test_a_cough_is_no_speaker_and_the_most_talkative_comes_first() -> None:
    random = np.random.default_rng(0)
    vectors = np.concatenate([around(0, 30, random), around(1, 60, random), around(2, 2, random)])
    middles = centres(vectors, None, 0.6)
    assert len(middles) == 2 and middles[0].argmax() == 1 and middles[1].argmax() == 0


def test_thousands_of_windows_are_told_apart_by_a_part_of_them() -> None:
    random = np.random.default_rng(0)
    vectors = np.concatenate([around(k, 3000, random) for k in (0, 1)])
    assert len(centres(vectors, None, 0.6)) == 2


def test_windows_keep_inside_of_stretches_and_cover_them() -> None:
    spans = windows([(0.0, 0.2), (1.0, 2.0), (3.0, 7.0)])
    assert spans[0] == (1.0, 2.0) and spans[1][0] == 3.0 and spans[-1][1] == 7.0
    assert all(end - start <= WINDOW + 1e-9 for start, end in spans)
    assert all(after[0] <= before[1] for before, after in pairwise(spans[1:]))


def test_windows_are_cut_out_of_the_span_that_holds_them() -> None:
    sound = [np.arange(32_000, dtype=np.float32), None]
    chunk = Chunk(((10.0, 12.0), (50.0, 52.0)), ((10.2, 11.9), (50.2, 51.0)))
    first, tail, silent = window_samples(chunk, sound, [(10.5, 12.0), (11.5, 13.0), (50.2, 51.0)])
    assert first[0] == 8000 and len(first) == 24_000
    assert len(tail) == 24_000 and not tail[8000:].any() and not silent.any()


def words_at(*times: tuple[float, float]) -> list[HeardWord]:
    return [HeardWord(" word", start, end, 1.0) for start, end in times]


def test_words_go_to_the_voice_of_their_time() -> None:
    random = np.random.default_rng(0)
    spans = windows([(0.0, 6.0), (6.5, 12.0)])
    vectors = np.concatenate([around(int(start >= 6.5), 1, random) for start, _ in spans])
    voices = voices_of(spans, vectors, 2, 0.6, 20.0)
    said = voices.speakers_of(words_at(*[(t, t + 0.4) for t in np.arange(0.0, 6.0, 0.5)], (6.6, 7.0), (7.0, 9.0)))
    assert len({word.speaker for word in said[:-2]}) == 1
    assert said[-1].speaker == said[-2].speaker != said[0].speaker
    assert all(word.certainty is not None and word.certainty > 0.9 for word in said)


def test_one_doubtful_word_inside_of_a_phrase_changes_no_speaker() -> None:
    spans = [(float(t), t + 1.5) for t in range(0, 12, 2)]
    likeness = np.array([[0.9, 0.1]] * 6)
    likeness[3] = [0.4, 0.5]
    voices = Voices(np.array(spans), likeness, 0.6, 20.0)
    said = voices.speakers_of(words_at(*[(t, t + 1.0) for t in np.arange(0.0, 12.0, 1.0)]))
    assert {word.speaker for word in said} == {0}
    certainty = [word.certainty or 0.0 for word in said]
    assert min(certainty) == certainty[6] < 0.5


def test_a_single_voice_is_as_certain_as_it_is_like_itself() -> None:
    voices = Voices(np.array([(0.0, 1.5), (2.0, 3.5)]), np.array([[0.9], [0.5]]), 0.6, 20.0)
    sure, unsure = voices.speakers_of(words_at((0.0, 1.0), (2.0, 3.0)))
    assert sure.certainty > 0.9 and unsure.certainty < 0.5  # type: ignore[operator]
