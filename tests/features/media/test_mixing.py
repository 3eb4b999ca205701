from __future__ import annotations

import numpy as np
import pytest

from crossspace.features.media.mixing import Mixing, mixed

RNG = np.random.default_rng(1)
VOICE = RNG.normal(0, 0.1, 16000).astype(np.float32)
OTHER = RNG.normal(0, 0.1, 16000).astype(np.float32)
NOISE = RNG.normal(0, 0.0005, (16000, 2)).astype(np.float32)


def judged(*excerpts: np.ndarray) -> Mixing:
    mixing = Mixing()
    for excerpt in excerpts:
        mixing.hear(excerpt.astype(np.float32))
    return mixing


@pytest.mark.parametrize(
    "channels",
    [
        (VOICE, VOICE),
        (VOICE, OTHER),
        (VOICE, 0 * VOICE),
        (VOICE, np.roll(VOICE, 8)),
        (VOICE, 0.1 * VOICE),
        (VOICE, -0.02 * VOICE),
        (VOICE, -0.3 * VOICE + OTHER),
        (0 * VOICE, 0 * VOICE),
    ],
)
def test_channels_that_can_be_mixed_are_mixed(channels):
    assert judged(np.stack(channels, axis=1)).alone() is None


@pytest.mark.parametrize(("first", "second", "alone"), [(1, -1, 0), (0.5, -0.6, 1), (1, -0.7, 0), (-0.4, 0.3, 0)])
def test_of_channels_that_cancel_the_louder_is_heard(first, second, alone):
    mixing = judged(np.stack([first * VOICE, second * VOICE], axis=1) + NOISE)
    assert mixing.alone() == alone
    assert mixing.decibels() > 10


def test_what_is_shifted_by_a_sound_card_cancels_all_the_same():
    assert judged(np.stack([VOICE + 0.2, 0.1 - VOICE], axis=1)).alone() == 0


def test_silence_and_noise_between_words_do_not_hide_that_words_cancel():
    talk = np.stack([VOICE, -VOICE], axis=1) + NOISE
    assert judged(*[NOISE] * 8, talk).alone() == 0
    assert judged(talk, *[np.stack([VOICE, OTHER], axis=1)] * 2).alone() is None


def test_eight_channels_of_which_one_is_inverted_are_mixed_and_half_of_them_not():
    signs = np.ones(8)
    signs[3] = -1
    assert judged(VOICE[:, None] * signs).alone() is None
    signs[:3] = -1
    assert judged(VOICE[:, None] * signs).alone() is not None


def test_a_mix_is_the_mean_or_the_loudest_channel():
    np.testing.assert_allclose(mixed(np.stack([VOICE, OTHER], axis=1)), (VOICE + OTHER) / 2, atol=1e-7)
    np.testing.assert_array_equal(mixed(np.stack([0.5 * VOICE, -0.6 * VOICE], axis=1)), -0.6 * VOICE)


@pytest.mark.parametrize(
    ("scale", "gain"), [(1, 1), (1.9, 1), (2.0**15, 2.0**-15), (2.0**23, 2.0**-23), (2.0**31, 2.0**-31), (8, 1 / 8)]
)
def test_floats_on_another_scale_are_brought_to_their_own(scale, gain):
    tone = np.sin(np.arange(16000) / 3)[:, None]
    assert judged(scale * tone).gain() == pytest.approx(gain, rel=0.01)


def test_a_few_damaged_floats_are_no_scale():
    damaged = VOICE[:, None].copy()
    damaged[100:104] = 1e12
    assert judged(damaged).gain() == 1
