import gc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from crossspace.features.media import open_media, read_frames, video

av = pytest.importorskip("av")


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4"), ("a.ts", "libx264")],
)
def test_a_frame_has_the_time_at_which_it_was_recorded(recording, signals, name, codec):
    media = open_media(recording(name, signals.times, codecs=(codec, "")))
    frames = dict(read_frames(media, [(0.4, 3.4)]))[0]
    assert len(frames) == 15
    for part, frame in enumerate(frames):
        assert signals.number_in(frame.image) / 25 == pytest.approx(frame.time, abs=0.04)
        assert frame.time == pytest.approx(0.4 + (part + 0.5) * 0.2, abs=0.041)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_pictures_that_avi_holds_in_another_order_are_seen_in_theirs(recording, signals, codec, ahead):
    if codec not in av.codecs_available:
        pytest.skip(f"there is no encoder {codec}")

    def reorder(stream):
        stream.codec_context.time_base = Fraction(1, 25)  # else AVI counts thousandths, with empty packets between
        stream.codec_context.max_b_frames = ahead
        stream.codec_context.gop_size = 30

    media = open_media(recording("a.avi", signals.times, codecs=(codec, ""), prepare=reorder))
    frames = dict(read_frames(media, [(0, 5)], per_second=100, most=1000))[0]
    assert [signals.number_in(frame.image) for frame in frames] == list(range(100))
    late = frames[0].time
    assert 0 <= late < 0.09
    assert [frame.time for frame in frames] == pytest.approx([late + time for time in signals.times], abs=1e-6)


def test_frames_of_a_variable_rate_are_those_on_the_screen(recording, signals):
    times = [0.0, 0.1, 0.2, 0.3, 2.0, 2.5, 2.6, 2.7, 4.0]
    media = open_media(recording("variable.mkv", times))
    frames = dict(read_frames(media, [(0, 4)], per_second=10))[0]
    assert [round(frame.time, 2) for frame in frames] == times[:-1]  # each once, however long it stays
    assert [signals.number_in(frame.image) for frame in frames] == list(range(8))
    held = dict(read_frames(media, [(1.0, 1.4)]))[0]
    assert [signals.number_in(frame.image) for frame in held] == [3]


@pytest.mark.usefixtures("turning")
def test_a_rotated_video_stands_upright(recording, signals):
    plain = open_media(recording("plain.mp4", signals.times[:5]))
    turned = open_media(
        recording("turned.mp4", signals.times[:5], prepare=lambda stream: stream.set_display_rotation(-90))
    )
    (_, [first, *_]), *_ = read_frames(plain, [(0, 0.1)])
    (_, [second, *_]), *_ = read_frames(turned, [(0, 0.1)])
    np.testing.assert_array_equal(np.rot90(first.image, -1), second.image)  # clockwise, as phones ask for


def test_spans_may_overlap_lie_anywhere_and_come_in_any_order(recording, signals):
    media = open_media(recording("a.mp4", signals.times))
    spans = [(2.0, 3.0), (0.0, 4.0), (1.5, 2.5), (3.5, 9.0), (5.0, 6.0), (1.0, 1.0), (2.0, 1.0)]
    found = dict(read_frames(media, spans))
    assert sorted(found) == list(range(len(spans)))
    for index in (0, 1, 2, 3):
        alone = dict(read_frames(media, [spans[index]]))[0]
        assert [frame.time for frame in alone] == [frame.time for frame in found[index]] != []
    assert found[4] == found[5] == found[6] == []


def test_a_long_utterance_has_few_frames_spread_over_it(recording, signals):
    media = open_media(recording("a.mp4", signals.times))
    frames = dict(read_frames(media, [(0, 4)], per_second=25, most=4))[0]
    assert [frame.time for frame in frames] == pytest.approx([0, 1.28, 2.56, 3.84], abs=0.041)


def test_large_pictures_are_made_smaller(recording, signals):
    media = open_media(recording("a.mp4", signals.times[:3], size=(640, 384)))
    (_, [frame, *_]), *_ = read_frames(media, [(0, 0.1)], longest_side=160)
    assert frame.image.shape == (96, 160, 3) and frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous


def moved(image: np.ndarray, a: int, b: int, c: int, d: int) -> np.ndarray:
    """The picture whose stored point ``(p, q)`` is shown at ``(a p + c q, b p + d q)``."""
    height, width = image.shape[:2]
    q, p = np.mgrid[:height, :width]
    x, y = a * p + c * q, b * p + d * q
    shown = np.zeros((np.ptp(y) + 1, np.ptp(x) + 1, 3), np.uint8)
    shown[y - y.min(), x - x.min()] = image
    return shown


@pytest.mark.parametrize(
    "matrix",
    [(s, 0, 0, t) for s in (1, -1) for t in (1, -1)] + [(0, s, t, 0) for s in (1, -1) for t in (1, -1)],
)
@pytest.mark.usefixtures("turning")
def test_a_video_is_seen_as_its_display_matrix_asks(recording, signals, matrix):
    a, b, c, d = (value << 16 for value in matrix)
    full = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    plain = open_media(recording("plain.mp4", signals.times[:5]))
    posed = open_media(recording("posed.mp4", signals.times[:5], prepare=lambda s: s.set_display_matrix(full)))
    (_, [first, *_]), *_ = read_frames(plain, [(0, 0.1)])
    (_, [second, *_]), *_ = read_frames(posed, [(0, 0.1)])
    np.testing.assert_array_equal(moved(first.image, *matrix), second.image)
    assert (posed.video.width, posed.video.height) == second.image.shape[1::-1]


def test_spans_that_overlap_share_their_frames(recording, signals):
    media = open_media(recording("a.mp4", [number / 25 for number in range(300)]))
    spans = [(part / 20, 12 - length) for part in range(40) for length in (0, 6, 9)]
    found = dict(read_frames(media, spans, most=8))
    assert all(4 <= len(frames) <= 8 for frames in found.values())
    assert len({id(frame) for frames in found.values() for frame in frames}) <= 4 * 8


def test_the_company_of_a_span_does_not_change_what_it_sees(recording, signals):
    media = open_media(recording("a.mp4", signals.times))
    spans = [(0.0, 4.0), (1.03, 2.0), (2.5, 2.55), (0.33, 3.9), (1.0, 1.4)]
    together = dict(read_frames(media, spans, most=6))
    for index, span in enumerate(spans):
        ((_, alone),) = read_frames(media, [span], most=6)
        assert [frame.time for frame in alone] == [frame.time for frame in together[index]] != []
        for one, other in zip(alone, together[index], strict=True):
            np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_jumping_over_what_is_not_needed_changes_nothing(recording, signals, monkeypatch, name):
    codec = "mpeg4" if name == "a.avi" else "libx264"

    def often(stream):
        stream.codec_context.gop_size = 10

    times = [number / 25 for number in range(300)]
    media = open_media(recording(name, times, codecs=(codec, ""), prepare=often))
    spans = [(0.2, 0.6), (11.0, 11.5), (5.0, 5.3), (8.5, 8.6), (5.1, 5.2)]
    plain = {index: [frame.time for frame in frames] for index, frames in read_frames(media, spans)}
    monkeypatch.setattr(video, "_SEEK", 1.0)
    jumped = dict(read_frames(media, spans))
    assert {index: [frame.time for frame in frames] for index, frames in jumped.items()} == plain
    for frames in jumped.values():
        for frame in frames:
            assert signals.number_in(frame.image) / 25 == pytest.approx(frame.time, abs=0.04)


def test_one_key_frame_in_the_file_does_not_repeat_the_work(recording, signals, monkeypatch):
    monkeypatch.setattr(video, "_SEEK", 0.2)
    media = open_media(recording("a.mp4", signals.times))
    seeks = []
    honest = video._Jumps.target

    def counted(self, now):
        target = honest(self, now)
        if target is not None:
            seeks.append(target)
        return target

    monkeypatch.setattr(video._Jumps, "target", counted)
    spans = [(second, second + 0.1) for second in np.arange(0, 4, 0.5)]
    found = dict(read_frames(media, spans))
    assert len(seeks) <= 2
    assert all(len(frames) == 1 for frames in found.values())


def test_damaged_pictures_do_not_stop_the_rest(recording, signals):
    def often(stream):
        stream.codec_context.gop_size = 10

    path = recording("a.mp4", signals.times, prepare=often)
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 1000] = b"\xff" * 1000
    path.write_bytes(data)
    notes: list[str] = []
    frames = dict(read_frames(open_media(path), [(0, 4)], notes=notes))[0]
    assert len(frames) > 10 and frames[0].time < 0.2 and frames[-1].time > 3.8
    assert len(notes) == 1 and "damaged packets of the video track" in notes[0]


def test_a_truncated_video_is_seen_as_far_as_it_goes(recording, signals):
    whole = recording("whole.mkv", signals.times)
    cut = whole.with_name("cut.mkv")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    media = open_media(cut)
    found = dict(read_frames(media, [(0, 4), (3.8, 4)]))
    assert found[0] and found[1] == []


def test_without_pictures_there_is_nothing_to_see(recording, signals):
    media = open_media(recording("a.wav", None, [(0, signals.clicks(1, 16000))], rate=16000, codecs=("", "pcm_s16le")))
    assert list(read_frames(media, [(0, 1)])) == [(0, [])]


@pytest.mark.usefixtures("turning")
def test_pictures_leave_the_memory_without_the_garbage_collector(recording, signals):
    turned = recording("a.mp4", signals.times, prepare=lambda stream: stream.set_display_rotation(-90))
    media = open_media(turned)
    others = _pictures()
    gc.disable()
    try:
        frames = dict(read_frames(media, [(0.4, 3.4)]))[0]
        left = [picture for picture in _pictures() if not any(picture is other for other in others)]
    finally:
        gc.enable()
    assert len(frames) == 15 and len(left) <= 2  # the first, whose side data is looked at, and the last


def _pictures() -> list[Any]:
    """Decoded pictures that are alive in this process; they take no weak references."""
    return [one for one in gc.get_objects() if type(one) is av.VideoFrame]
