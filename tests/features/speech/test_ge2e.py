from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.errors import DataError
from crossspace.features.speech.mel import mel_energies
from crossspace.features.speech.speaker_encoders import SPEAKER_ENCODERS, speaker_encoder
from crossspace.features.speech.speaker_encoders.ge2e import _Network


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as that of Resemblyzer, with weights drawn at random."""
    torch.manual_seed(0)
    state = {**_Network().state_dict(), "similarity_weight": torch.ones(1), "similarity_bias": torch.ones(1)}
    path = tmp_path_factory.mktemp("ge2e") / "pretrained.pt"
    torch.save({"step": 1, "model_state": state}, path)
    return path


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(16_000 * seconds)).astype(np.float32)


def test_a_tone_is_heard_in_the_band_that_holds_it() -> None:
    time = np.arange(16_000) / 16_000
    bands = [int(mel_energies(np.sin(2 * np.pi * hertz * time))[50].argmax()) for hertz in (200, 1000, 4000, 7500)]
    assert bands == sorted(bands) and len(set(bands)) == 4
    assert mel_energies(np.zeros(16_000)).shape == (101, 40)


def test_mel_energies_are_those_that_the_weights_were_learned_on() -> None:
    librosa = pytest.importorskip("librosa")
    samples = noise(1.5)
    wanted = librosa.feature.melspectrogram(y=samples, sr=16_000, n_fft=400, hop_length=160, n_mels=40).T
    assert np.allclose(mel_energies(samples), wanted, rtol=1e-4, atol=1e-6)


def test_a_window_has_one_vector_whatever_its_company(weights: Path) -> None:
    encoder = speaker_encoder(f"ge2e:{weights}")
    windows = [noise(1.5, 1), noise(0.7, 2), noise(1.5, 3)]
    together = encoder.encode(windows)
    assert together.shape == (3, 256) and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for window, vector in zip(windows, together, strict=True):
        assert np.allclose(encoder.encode([window])[0], vector, atol=1e-5)


def test_quiet_speech_sounds_like_the_same_speech_louder(weights: Path) -> None:
    encoder = speaker_encoder(f"ge2e:{weights}")
    quiet, quieter = encoder.encode([0.05 * noise(1.5), 0.005 * noise(1.5)])
    assert np.allclose(quiet, quieter, atol=1e-4)
    assert np.isfinite(encoder.encode([np.zeros(24_000, np.float32)])).all()


def test_a_file_that_holds_no_such_weights_is_refused(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    for name, content in {
        "lacking": {"model_state": {k: v for k, v in state["model_state"].items() if k != "linear.bias"}},
        "other": {"model_state": {**state["model_state"], "linear.bias": torch.zeros(3)}},
        "infinite": {"model_state": {**state["model_state"], "linear.bias": torch.full((256,), float("nan"))}},
        "list": [1, 2],
    }.items():
        torch.save(content, tmp_path / name)
        with pytest.raises(DataError, match=rf"{name}.*pip install --no-deps resemblyzer"):
            speaker_encoder(f"ge2e:{tmp_path / name}")
    (tmp_path / "cut").write_bytes(weights.read_bytes()[:1000])
    for name in ("cut", "none"):
        with pytest.raises(DataError, match=name):
            speaker_encoder(f"ge2e:{tmp_path / name}")


def test_code_in_a_file_of_weights_does_not_run(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (tmp_path / "ran").touch, ()

    torch.save({"model_state": Harm()}, tmp_path / "harm.pt")
    with pytest.raises(DataError, match=r"harm\.pt"):
        speaker_encoder(f"ge2e:{tmp_path / 'harm.pt'}")
    assert not (tmp_path / "ran").exists()


def test_the_weights_are_part_of_what_vectors_are_known_by(weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    torch.save({**state, "step": 2}, tmp_path / "pretrained.pt")
    first, other = (speaker_encoder(f"ge2e:{path}").identity for path in (weights, tmp_path / "pretrained.pt"))
    assert first["name"] == "ge2e" and first["version"] != other["version"] and "ge2e" in SPEAKER_ENCODERS
