from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.features.extractors.prosody import Prosody

RATE = 16_000
EXTRACTOR = Prosody()


def named(samples: np.ndarray) -> dict[str, float]:
    (vector,) = EXTRACTOR.extract([np.asarray(samples, np.float32)])
    assert isinstance(vector, np.ndarray)
    return dict(zip(EXTRACTOR.names, vector.tolist(), strict=True))


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_there_are_181_numbers_each_with_a_name_of_its_own() -> None:
    assert EXTRACTOR.width == len(EXTRACTOR.names) == len(set(EXTRACTOR.names)) == 181


@pytest.mark.parametrize("hertz", [70, 110, 150, 220, 333, 500, 590])
def test_the_pitch_of_tones_and_of_pulses_is_right_within_two_percent(hertz: float) -> None:
    time = np.arange(RATE) / RATE
    pulses = np.zeros(RATE)
    pulses[np.arange(0, RATE, RATE / hertz).astype(int)] = 0.5
    for samples in (np.sin(2 * np.pi * hertz * time) * 0.3, pulses, pulses + 0.1 * noise(1)):
        found = named(samples)
        assert 150 * 2 ** (found["pitch.median"] / 12) == pytest.approx(hertz, rel=0.02)
        assert found["voiced_share"] > 0.95
        assert found["pitch.sd"] < 0.3


def test_a_glide_rises_by_as_many_semitones_as_it_does() -> None:
    time = np.arange(RATE) / RATE
    octave = np.sin(2 * np.pi * 120 * (2**time - 1) / np.log(2)) * 0.3
    assert named(octave)["pitch.slope"] == pytest.approx(12, abs=0.8)
    assert named(octave[::-1])["pitch.slope"] == pytest.approx(-12, abs=0.8)


def test_noise_is_not_voiced_and_its_pitch_features_say_nothing() -> None:
    found = named(noise(2))
    assert found["voiced_share"] == 0
    assert found["flatness.mean"] > 0.5
    assert all(value == 0 for name, value in found.items() if name.startswith(("pitch", "jitter", "harmonicity")))


def test_twice_as_loud_is_six_decibels_and_nothing_else(voice: Callable[..., np.ndarray]) -> None:
    quiet, loud = named(voice(1.5) / 4), named(voice(1.5) / 2)
    for name in quiet:
        shift = 20 * np.log10(2) if name in {f"energy.{f}" for f in ("mean", "q25", "median", "q75")} else 0
        assert loud[name] - quiet[name] == pytest.approx(shift, abs=2e-3 * max(1, abs(quiet[name]))), name


def test_silence_around_an_utterance_leaves_its_voice_as_it_was(voice: Callable[..., np.ndarray]) -> None:
    said = voice(1.5)
    alone, within = named(said), named(np.concatenate([np.zeros(RATE), said, np.zeros(RATE)]))
    assert within["pitch.median"] == pytest.approx(alone["pitch.median"], abs=0.1)
    assert within["energy.median"] == pytest.approx(alone["energy.median"], abs=1)
    assert within["centroid.median"] == pytest.approx(alone["centroid.median"], rel=0.05)
    assert within["pause_share"] == pytest.approx(2 / 3.5, abs=0.03)
    assert within["pauses_per_second"] == pytest.approx(2 / 3.5, abs=1e-3)


def test_bursts_are_counted_as_syllables() -> None:
    time = np.arange(3 * RATE) / RATE
    assert named(noise(3) * (0.5 - 0.5 * np.cos(2 * np.pi * 5 * time)))["syllables_per_second"] == pytest.approx(5)


def test_a_brighter_sound_has_a_higher_centroid_and_a_lower_balance() -> None:
    time = np.arange(RATE) / RATE
    dark, bright = (named(0.3 * np.sin(2 * np.pi * f * time)) for f in (400, 3000))
    assert dark["centroid.mean"] == pytest.approx(400, rel=0.02)
    assert bright["centroid.mean"] == pytest.approx(3000, rel=0.02)
    assert dark["alpha_ratio.mean"] > 30 > -30 > bright["alpha_ratio.mean"]
    assert bright["zero_crossings.mean"] == pytest.approx(2 * 3000 / RATE, rel=0.02)


def test_an_unsteady_voice_has_more_jitter_and_shimmer() -> None:
    random = np.random.default_rng(0)
    steady, shaky = np.zeros(RATE), np.zeros(RATE)
    at = 0.0
    while at < RATE - 300:
        steady[int(at)] = 0.5
        at += 100
    at = 0.0
    while at < RATE - 300:
        shaky[int(at)] = 0.5 * random.uniform(0.6, 1)
        at += 100 * random.uniform(0.97, 1.03)
    calm, rough = named(steady), named(shaky)
    assert rough["jitter"] > 5 * calm["jitter"]
    assert rough["shimmer"] > 2 * calm["shimmer"]
    assert rough["harmonicity.mean"] < calm["harmonicity.mean"]


def test_blocks_of_a_long_utterance_leave_no_seam(
    voice: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = named(voice(1.5))
    monkeypatch.setattr("crossspace.features.voice.spectrum._BLOCK", 7)
    assert named(voice(1.5)) == pytest.approx(whole, rel=1e-4, abs=1e-4)


@settings(max_examples=25)
@given(
    st.integers(1600, 6000),
    st.integers(1, 1000),
    st.floats(-4, 0),
    st.sampled_from(["noise", "click", "step", "square", "half"]),
)
def test_everything_is_finite_whatever_is_heard(length: int, seed: int, power: float, kind: str) -> None:
    random = np.random.default_rng(seed)
    samples = {
        "noise": random.standard_normal(length),
        "click": np.eye(1, length, seed)[0],
        "step": (np.arange(length) > seed).astype(float),
        "square": np.sign(np.sin(np.arange(length) * seed / 100 + 0.1)),
        "half": np.where(np.arange(length) < length // 2, 0, random.standard_normal(length)),
    }[kind]
    assert np.isfinite(list(named(np.clip(samples * 10**power, -1, 1)).values())).all()
