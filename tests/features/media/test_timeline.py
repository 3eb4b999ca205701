from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from crossspace.features.media import audio_blocks, open_media, read_frames
from crossspace.features.media.timeline import Timeline

pytest.importorskip("av")


def placed(*packets: tuple[int, float]) -> list[float]:
    """Seconds at which packets ``(track, seconds)`` of 0.1 seconds are placed."""
    timeline, found = Timeline(), []
    for track, seconds in packets:
        stamp = round(seconds * 1000)
        packet = SimpleNamespace(
            stream_index=track, pts=stamp, dts=stamp, duration=100, time_base=Fraction(1, 1000), size=1
        )
        timeline.place(packet)
        assert packet.pts == packet.dts
        found.append(packet.pts / 1000)
    return found


def steps(track: int, begin: float, end: float) -> list[tuple[int, float]]:
    return [(track, tenth / 10) for tenth in range(round(begin * 10), round(end * 10))]


def test_times_that_rise_stay():
    times = [*steps(0, 0, 3), *steps(0, 20, 23), (0, 22.5), (0, 22.6)]  # a gap, and a step back of less than a second
    assert placed(*times) == [seconds for _, seconds in times]


def test_each_part_goes_on_where_the_one_before_ends():
    part = steps(0, 5, 8)
    assert placed(*part, *part, *part) == pytest.approx([5 + tenth / 10 for tenth in range(90)])


def test_tracks_go_on_together_though_the_last_packets_of_one_come_late():
    first = [packet for pair in zip(steps(0, 0, 3), steps(1, 0, 3), strict=True) for packet in pair]
    joint = placed(*first, (0, 0.0), (1, 3.0), (1, 0.05), (0, 0.1))[-4:]
    assert joint == pytest.approx([3.0, 3.0, 3.05, 3.1])


@pytest.mark.parametrize("wrong", [0.0, 5000.0])
def test_one_wrong_time_moves_nothing_after_it(wrong):
    found = placed(*steps(0, 10, 20), (0, wrong), *steps(0, 20.1, 30))
    assert found[:100] + found[101:] == [seconds for _, seconds in steps(0, 10, 20) + steps(0, 20.1, 30)]


@pytest.mark.parametrize(
    ("name", "codecs", "rate"), [("a.ts", ("libx264", "aac"), 44100), ("a.mpg", ("mpeg2video", "mp2"), 44100)]
)
def test_recordings_joined_end_to_end_are_seen_and_heard_to_the_end(recording, signals, name, codecs, rate):
    def steady(stream):
        stream.codec_context.time_base = Fraction(1, 25)

    path = recording(name, signals.times, [(0, signals.clicks(4, rate))], rate=rate, codecs=codecs, prepare=steady)
    once = open_media(path)
    path.write_bytes(path.read_bytes() * 3)
    media = open_media(path)
    assert media.duration == pytest.approx(3 * once.duration, abs=0.2)
    sound = np.concatenate(list(audio_blocks(media)))
    onsets = signals.onsets(sound)
    assert len(onsets) == 12
    frames = dict(read_frames(media, [(0, media.duration)], per_second=30, most=1000))[0]
    numbers = [signals.number_in(frame.image) for frame in frames]
    assert sum(np.diff(numbers) == 1) > 280 and numbers.count(50) == 3
    # Sound and pictures go on together: second 2 of each part is heard when its picture is seen.
    seen = [frame.time for frame, number in zip(frames, numbers, strict=True) if number == 50]
    for second in seen:
        assert np.abs(onsets - second).min() < 0.1


def test_sound_joined_end_to_end_is_heard_to_the_end(recording, signals):
    sound = np.roll(signals.clicks(3, 48000), 24000)
    path = recording("a.ogg", None, [(0, sound)], rate=48000, codecs=("", "libopus"))
    path.write_bytes(path.read_bytes() * 2)
    media = open_media(path)
    assert media.duration == pytest.approx(6, abs=0.1)
    onsets = signals.onsets(np.concatenate(list(audio_blocks(media))))
    assert onsets == pytest.approx([0.5 + second for second in range(6)], abs=0.05)


def test_flv_joined_end_to_end_says_what_is_left_out(recording, signals):
    hiss = np.random.default_rng(1).normal(0, 0.1, 4 * 44100).astype(np.float32)
    path = recording("a.flv", signals.times, [(0, hiss)])
    once = open_media(path)
    assert once.notes == () and once.duration == pytest.approx(4, abs=0.1)
    path.write_bytes(path.read_bytes() * 2)
    (note,) = open_media(path).notes
    assert note.startswith("a.flv: what follows after 4.")
