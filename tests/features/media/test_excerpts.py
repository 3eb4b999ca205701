from __future__ import annotations

import numpy as np
import pytest

from crossspace.features.media import excerpts as module
from crossspace.features.media import open_media
from crossspace.features.media.excerpts import excerpts

pytest.importorskip("av")


@pytest.fixture
def steps(recording):
    """A recording whose level says the second: 12 seconds, from 0 to 0.55."""

    def build(name: str, codec: str):
        samples = np.repeat(np.arange(12, dtype=np.float32) / 20, 16000)
        samples *= np.sign(np.sin(2 * np.pi * 200 * np.arange(len(samples)) / 16000))
        pieces = [(at / 16000, samples[at : at + 1600]) for at in range(0, len(samples), 1600)]
        return open_media(recording(name, None, pieces, rate=16000, codecs=("", codec)))

    return build


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mkv", "pcm_s16le"), ("a.mp4", "aac")]
)
def test_a_long_recording_is_heard_in_places_all_over_it(steps, monkeypatch, name, codec):
    monkeypatch.setattr(module, "PLACES", 4)
    media = steps(name, codec)
    packets, decode = [], module.decode
    monkeypatch.setattr(module, "decode", lambda packet, faults: packets.append(packet) or decode(packet, faults))
    found = list(excerpts(media, media.sounds, 0.5))
    assert [index for index, _ in found] == [media.sounds[0].index] * 4
    seconds = [20 * np.sqrt(np.square(samples[:4000]).mean()) for _, samples in found]
    assert seconds == pytest.approx([1.5, 4.5, 7.5, 10.5], abs=1.6)
    assert all(8000 <= len(samples) < 24000 for _, samples in found)
    whole = 12 * 16000 / 1024
    assert len(packets) < whole / 2


def test_a_short_recording_is_heard_whole(steps):
    media = steps("a.wav", "pcm_s16le")
    assert sum(len(samples) for _, samples in excerpts(media, media.sounds, 1.0)) == pytest.approx(12 * 16000, abs=2048)


def test_two_calls_hear_the_same(steps, monkeypatch):
    monkeypatch.setattr(module, "PLACES", 3)
    media = steps("a.mkv", "pcm_s16le")
    first, second = (list(excerpts(media, media.sounds, 0.5)) for _ in range(2))
    assert len(first) == len(second) == 3
    for (_, one), (_, other) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
