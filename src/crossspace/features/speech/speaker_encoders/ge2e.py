"""Voices by a recurrent network that was trained to tell speakers apart (GE2E), with the weights of Resemblyzer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from crossspace.errors import DataError
from crossspace.features.speech.mel import mel_energies
from crossspace.features.speech.speaker_encoders.base import SpeakerEncoder
from crossspace.reading import reading

_BANDS, _WIDTH, _LAYERS = 40, 256, 3
_LOUDNESS = -30.0
"""Decibels below full scale to which quiet windows are raised, as in training."""
_AT_ONCE = 32
_ADVICE = (
    "The weights come in the package Resemblyzer: 'pip install --no-deps resemblyzer', or give the file "
    "pretrained.pt of it: ge2e:FILE."
)


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_BANDS, _WIDTH, _LAYERS, batch_first=True)
        self.linear = nn.Linear(_WIDTH, _WIDTH)

    def forward(self, energies: torch.Tensor) -> torch.Tensor:
        """``(N, F, 40)`` to ``(N, 256)`` rows of length 1."""
        _, (hidden, _) = self.lstm(energies)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


class GE2E(SpeakerEncoder):
    """256 numbers of the last state of an LSTM of three layers over mel energies (Wan et al., 2018).

    The weights are those of Resemblyzer (Apache-2.0), which were learned on English read speech and interviews. They
    are read as numbers alone; nothing of a file can run.

    Args:
        weights: the file ``pretrained.pt``; that of the installed package ``resemblyzer`` where none is given.
    """

    name = "ge2e"
    licence = "Apache-2.0"
    argument = "weights"
    same_voice = 0.62
    sharpness = 20.0

    def __init__(self, weights: str | None = None) -> None:
        path = Path(weights).expanduser() if weights else _installed()
        self._network, self.version = _read(path)
        self.width, self.parameters = _WIDTH, {"weights": path.name}

    def encode(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        """``(N, 256)``."""
        vectors = np.zeros((len(windows), _WIDTH), dtype=np.float32)
        by_length: dict[int, list[int]] = {}
        for place, window in enumerate(windows):
            by_length.setdefault(len(window), []).append(place)
        # Windows of one length together: padding would be heard as silence.
        for places in by_length.values():
            for at in range(0, len(places), _AT_ONCE):
                some = places[at : at + _AT_ONCE]
                energies = np.stack([mel_energies(_raised(windows[place])) for place in some])
                with torch.inference_mode():
                    vectors[some] = self._network(torch.from_numpy(energies)).numpy()
        return vectors


def _raised(samples: np.ndarray) -> np.ndarray:
    """The sound, louder where it is quiet."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    if power <= 0:
        return samples
    gain = 10 ** ((_LOUDNESS - 10 * np.log10(power)) / 20)
    return samples * np.float32(max(gain, 1.0))


def _installed() -> Path:
    # Found without importing it: its own code needs libraries that nothing here does.
    spec = find_spec("resemblyzer")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / "pretrained.pt").is_file():
            return path
    raise DataError(f"The speaker encoder 'ge2e' needs its weights, and none are installed. {_ADVICE}")


def _read(path: Path) -> tuple[_Network, str]:
    """The network and the digest of its file."""
    with reading(path, "the weights of the speaker encoder GE2E", _ADVICE):
        content = path.read_bytes()
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = state.get("model_state", state) if isinstance(state, Mapping) else state
        network = _Network()
        wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
        # The file has the scale of its training loss as well, which nobody needs here.
        network.load_state_dict({name: state[name] for name in wanted})
        if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
            raise DataError(f"{path} should hold finite weights. Found others. {_ADVICE}")
    return network.eval().requires_grad_(False), f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"
