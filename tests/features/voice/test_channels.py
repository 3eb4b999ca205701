from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossspace.errors import DataError
from crossspace.features.media import AudioTrack, Media
from crossspace.features.voice import channels as module
from crossspace.features.voice.channels import speech_by_channel
from crossspace.features.voice.levels import channel_levels, louder_channels

pytest.importorskip("silero_vad")

PLAN = [(1.0, 3.0, 0), (4.0, 7.0, 1), (5.0, 5.8, 0), (8.0, 11.0, 0), (10.0, 12.0, 1), (13.0, 14.0, 1)]
"""Who speaks when: Each by himself, one during what the other says, and both at once."""


@pytest.fixture
def talk(monkeypatch, syllables):
    """What is found of speakers in channels of their own, which leak into each other and differ in level."""

    def build(plan, leak: float, gains=(0.0, 0.0), block: int = 48000):
        own = np.zeros((15 * 16000, len(gains)))
        for start, end, channel in plan:
            own[round(start * 16000) : round(end * 16000), channel] = syllables(end - start, 140 + 40 * channel)
        leaked = 10 ** (-leak / 20) * np.roll(own.sum(axis=1, keepdims=True) - own, 40, axis=0)
        noise = np.random.default_rng(0).normal(0, 1e-3, own.shape)
        sound = ((own + leaked + noise) * 10 ** (np.array(gains) / 20)).astype(np.float32)
        blocks = [sound[at : at + block] for at in range(0, len(sound), block)]
        monkeypatch.setattr(module, "audio_blocks", lambda media, seconds, notes, apart: iter(blocks))
        return speech_by_channel(Media(Path("a.wav"), 15.0, AudioTrack(0, 16000, len(gains)), None), [])

    return build


def said(found, expected, tolerance=0.25):
    assert [channel for *_, channel in found] == [channel for *_, channel in expected]
    times = [time for start, end, _ in found for time in (start, end)]
    assert times == pytest.approx([time for start, end, _ in expected for time in (start, end)], abs=tolerance)


@pytest.mark.parametrize(("leak", "gains"), [(60, (0, 0)), (12, (0, -12)), (10, (-15, 0)), (8, (0, 0))])
def test_each_speaker_is_found_in_his_channel_and_what_leaks_is_no_utterance(talk, leak, gains):
    said(talk(PLAN, leak, gains), PLAN)


@pytest.mark.parametrize(("leak", "speaker"), [(6, 0), (12, 1), (30, 0)])
def test_a_channel_that_only_holds_what_leaks_into_it_has_no_utterance(talk, leak, speaker):
    plan = [(start, end, speaker) for start, end, channel in PLAN if channel == 0]
    said(talk(plan, leak), plan)


def test_three_speakers_have_a_channel_each_and_a_fourth_channel_is_empty(talk):
    plan = [(1.0, 3.0, 0), (4.0, 6.0, 1), (7.0, 9.0, 2), (10.0, 12.0, 1)]
    said(talk(plan, 15, (0, -4, 3, 0)), plan)


def test_a_channel_that_hums_louder_than_anybody_speaks_silences_nobody(monkeypatch, syllables):
    hum = 0.9 * np.sin(2 * np.pi * 50 * np.arange(15 * 16000) / 16000)
    voice = np.zeros(15 * 16000)
    voice[16000:64000] = 0.2 * syllables(3)
    blocks = np.stack([voice, hum], axis=1).astype(np.float32)
    monkeypatch.setattr(module, "audio_blocks", lambda media, seconds, notes, apart: iter([blocks]))
    said(speech_by_channel(Media(Path("a.wav"), 15.0, AudioTrack(0, 16000, 2), None), []), [(1.0, 4.0, 0)])


def test_channels_in_which_nobody_speaks_are_refused(talk):
    with pytest.raises(DataError, match="Nobody was heard to speak"):
        talk([], 60)


def test_two_groups_of_differences_are_parted_and_one_group_is_not():
    rng = np.random.default_rng(1)
    groups = np.concatenate([rng.normal(-25, 2, 300), rng.normal(-5, 2, 40)])
    assert module._between(groups) == pytest.approx(-15, abs=1)
    assert module._between(rng.normal(-12, 2, 300)) == module._between(rng.uniform(-20, 5, 300)) == 0
    assert module._between(np.array([])) == module._between(np.full(50, -12.0)) == 0


@pytest.mark.parametrize(("leak", "gain"), [(60, 0), (20, -15), (12, -15), (8, 0)])
def test_the_louder_channel_is_that_of_the_speaker_though_channels_differ(leak, gain):
    speaker = np.array([0, 1, 0, 0, 1, 0])
    levels = np.where(speaker[:, None] == [0, 1], -20.0, -20.0 - leak) + np.array([0, gain])
    assert louder_channels(np.maximum(levels, -80)) == speaker.tolist()


def test_where_one_channel_only_holds_what_leaks_the_other_is_the_louder():
    levels = np.array([[-20.0, -26.0], [-30.0, -36.5], [-24.0, -29.0]])
    assert louder_channels(levels) == [0, 0, 0]


def test_where_nothing_sounds_no_channel_is_louder():
    assert louder_channels(np.array([[-90.0, -90.0], [-30.0, -50.0]])) == [None, 0]
    assert louder_channels(np.zeros((0, 2))) == []


def test_levels_are_those_of_each_channel_while_a_span_lasts(recording_of):
    tone = np.sin(2 * np.pi * 200 * np.arange(3 * 16000) / 16000)
    first, second = 0.5 * tone * (np.arange(len(tone)) < 16000), 0.05 * tone
    media = recording_of(first, second)
    levels = channel_levels(media, [(1.5, 2.5), (0.0, 1.0), (0.5, 1.5), (5.0, 6.0)])
    expected = [[-90, -29], [-9, -29], [-12, -29], [-90, -90]]
    np.testing.assert_allclose(levels, expected, atol=0.2)
