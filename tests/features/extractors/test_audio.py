from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.errors import DataError, MissingExtraError, UsageError
from crossspace.features.checkpoint import load_checkpoint
from crossspace.features.extractors import Extractor, Missing, build

RATE = 16_000


@pytest.fixture(scope="module")
def opensmile() -> Extractor:
    try:
        return build("audio", "opensmile")
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def wavlm(folders: dict[str, Path]) -> Extractor:
    return build("audio", f"transformers:{folders['audio']}")


@pytest.mark.parametrize("name", ["prosody", "opensmile", "transformers"])
@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (np.zeros(0), "shorter than 100 ms"),
        (np.ones(1599), "shorter than 100 ms"),
        (np.zeros(1600), "silence"),
        (np.full(9000, 0.25), "silence"),
        (np.full(9000, np.nan), "damaged audio"),
    ],
)
def test_all_agree_on_what_is_no_utterance(
    name: str, samples: np.ndarray, reason: str, folders: dict[str, Path]
) -> None:
    try:
        made = build("audio", f"transformers:{folders['audio']}" if name == "transformers" else name)
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert made.extract([samples.astype(np.float32)]) == [Missing(reason)]


def test_is10_gives_1582_finite_values_from_100_ms_on(opensmile: Extractor, voice: Callable[..., np.ndarray]) -> None:
    assert opensmile.width == 1582
    random = np.random.default_rng(0)
    click = np.eye(1, 1600, 800, dtype=np.float32)[0]
    noise = random.standard_normal(1600).astype(np.float32)
    items = [voice(0.1), voice(0.1001), voice(0.15), click, noise * 1e-4, np.clip(noise * 9, -1, 1)]
    for vector in opensmile.extract(items):
        assert isinstance(vector, np.ndarray)
        assert vector.shape == (1582,)
        assert np.isfinite(vector).all()


def test_full_scale_does_not_wrap_around_to_the_other_sign(
    opensmile: Extractor, voice: Callable[..., np.ndarray]
) -> None:
    loud = voice(0.5)
    loud /= np.abs(loud).max()
    loud *= np.sign(loud[np.abs(loud).argmax()])
    whole, just_under = opensmile.extract([loud, np.minimum(loud, 0.9999)])
    peak = opensmile.names.index("pcm_loudness_sma_amean")
    assert whole[peak] == pytest.approx(just_under[peak], rel=1e-3)


def test_a_set_that_does_not_exist_is_named_with_those_near_to_it(opensmile: Extractor) -> None:
    with pytest.raises(UsageError, match=r"no openSMILE set 'IS14'.*'IS1"):
        build("audio", "opensmile:IS14")


def test_a_network_hears_what_its_feature_extractor_makes_of_the_samples(
    wavlm: Extractor, folders: dict[str, Path], voice: Callable[..., np.ndarray]
) -> None:
    network, prepare, _ = load_checkpoint(str(folders["audio"]), "audio")
    samples = voice(0.7)
    with torch.no_grad():
        states = network(**prepare(samples, sampling_rate=RATE, return_tensors="pt")).last_hidden_state[0]
    np.testing.assert_allclose(wavlm.extract([samples])[0], states.mean(0).numpy(), atol=1e-5)


def test_loudness_does_not_matter_where_samples_are_normalised(
    wavlm: Extractor, voice: Callable[..., np.ndarray]
) -> None:
    full, half = wavlm.extract([voice(0.7), voice(0.7) / 2])
    np.testing.assert_allclose(full, half, atol=1e-3)


def test_a_long_utterance_is_the_mean_of_its_stretches_weighted_by_length(
    wavlm: Extractor, voice: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossspace.features.extractors.transformers_audio._STRETCH", RATE // 2)
    whole = voice(0.9)
    parts = np.array_split(whole, 2)
    expected = sum(v * (len(p) / len(whole)) for v, p in zip(wavlm.extract(parts), parts, strict=True))
    np.testing.assert_allclose(wavlm.extract([whole])[0], expected, atol=1e-6)


def test_layers_differ_and_the_last_has_two_names(folders: dict[str, Path], voice: Callable[..., np.ndarray]) -> None:
    first, second, last = (
        build("audio", f"transformers:{folders['audio']},layer={layer}").extract([voice(0.5)])[0]
        for layer in (1, 2, -1)
    )
    np.testing.assert_array_equal(second, last)
    assert np.abs(first - last).max() > 1e-4


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(folders: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"should be from -3 to 2\. Found 3"):
        build("audio", f"transformers:{folders['audio']},layer=3")


def test_a_network_that_reads_is_no_audio_extractor(folders: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="should"):
        build("audio", f"transformers:{folders['text']}")
