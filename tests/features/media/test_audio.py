import wave

import numpy as np
import pytest

from crossspace.features.media import Media, audio, audio_blocks, open_media, read_audio, samples

av = pytest.importorskip("av")


@pytest.mark.parametrize(
    ("name", "codecs", "rate"),
    [
        ("a.mp4", ("libx264", "aac"), 44100),
        ("a.mkv", ("libx264", "aac"), 44100),
        ("a.webm", ("libvpx", "libopus"), 48000),
        ("a.avi", ("mpeg4", "mp3"), 44100),
        ("a.ts", ("libx264", "aac"), 44100),
        ("a.mov", ("libx264", "pcm_s16le"), 44100),
    ],
)
def test_sound_is_where_it_was_recorded_in_every_container(recording, signals, name, codecs, rate):
    media = open_media(recording(name, signals.times, [(0, signals.clicks(4, rate))], rate=rate, codecs=codecs))
    found = dict(read_audio(media, [(0.5, 3.9)]))[0]
    assert signals.onsets(found) + 0.5 == pytest.approx([1, 2, 3], abs=0.04)  # one frame of the video


def test_sound_that_starts_late_keeps_its_time(recording, signals):
    media = open_media(recording("late.mkv", signals.times, [(1.5, signals.clicks(2, 44100))]))
    found = dict(read_audio(media, [(0, 4), (0.2, 1.2)]))
    assert signals.onsets(found[0]) == pytest.approx([1.5, 2.5], abs=0.03)
    assert np.abs(found[0][: int(1.4 * 16000)]).max() == 0
    assert found[1] is None  # silence that nobody recorded is missing, not zeros


def test_a_gap_in_the_sound_is_silent_and_moves_nothing(recording, signals):
    part = signals.clicks(1, 44100)
    media = open_media(recording("gap.mkv", None, [(0, part), (3, part)], codecs=("", "pcm_s16le")))
    (_, found), *_ = read_audio(media, [(0, 4)])
    assert signals.onsets(found) == pytest.approx([0, 3], abs=0.005)
    blocks = list(audio_blocks(media, seconds=0.7))
    assert [len(block) for block in blocks[:-1]] == [11200] * (len(blocks) - 1)
    np.testing.assert_array_equal(np.concatenate(blocks), found)


def test_spans_may_overlap_lie_anywhere_and_come_in_any_order(recording, signals):
    media = open_media(recording("a.wav", None, [(0, signals.clicks(4, 16000))], rate=16000, codecs=("", "pcm_s16le")))
    whole = np.concatenate(list(audio_blocks(media)))
    spans = [(2.0, 3.0), (0.0, 4.0), (1.5, 2.5), (3.5, 9.0), (5.0, 6.0), (1.0, 1.0), (2.0, 1.0), (-1.0, 0.5)]
    found = dict(read_audio(media, spans))
    assert sorted(found) == list(range(len(spans)))
    for index, (first, last) in {0: (2, 3), 1: (0, 4), 2: (1.5, 2.5), 3: (3.5, 4), 7: (0, 0.5)}.items():
        np.testing.assert_array_equal(found[index], whole[int(first * 16000) : int(last * 16000)])
    assert found[4] is found[5] is found[6] is None


def test_samples_are_mono_float32_within_one(recording, signals):
    media = open_media(
        recording("loud.wav", None, [(0, 3 * signals.clicks(1, 48000))], rate=48000, codecs=("", "pcm_f32le"))
    )
    (_, found), *_ = read_audio(media, [(0, 1)])
    assert found.dtype == np.float32 and found.ndim == 1 and np.abs(found).max() <= 1


def test_resampling_keeps_length_and_level(recording):
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)).astype(np.float32)
    media = open_media(recording("a.wav", None, [(0, tone)], rate=48000, codecs=("", "pcm_f32le")))
    (_, found), *_ = read_audio(media, [(0, 1)])
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert len(found) == 16000
    assert np.abs(found - expected)[200:-200].max() < 0.01


def tone(channels: list[float], rate: int = 48000, seconds: float = 1.0) -> np.ndarray:
    """A tone of 200 Hz ``(T, C)`` with the given peak in each channel."""
    return np.outer(np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate)) / rate), channels).astype(np.float32)


@pytest.fixture
def heard(tmp_path):
    """What is read back of channels ``(T, C)`` at 48 kHz."""

    def build(channels: np.ndarray, layout: str, codec: str = "pcm_f32le", name: str = "a.wav") -> np.ndarray:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=48000, layout=layout)
            resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=48000)
            for begin in range(0, len(channels), 1024):
                block = channels[begin : begin + 1024]
                frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=layout)
                frame.sample_rate, frame.pts = 48000, begin
                for part in resampler.resample(frame):
                    container.mux(stream.encode(part))
            container.mux(stream.encode())
        return dict(read_audio(open_media(path), [(0, len(channels) / 48000)]))[0]

    return build


def test_the_same_sound_on_two_channels_is_heard_as_on_one(heard):
    one, two = heard(tone([0.9]), "mono"), heard(tone([0.9, 0.9]), "stereo")
    np.testing.assert_allclose(two, one, atol=1e-5)
    assert np.abs(two).max() == pytest.approx(0.9, abs=0.01)


def test_two_channels_are_averaged(heard):
    np.testing.assert_allclose(heard(tone([0.8, 0.2]), "stereo"), heard(tone([0.5]), "mono"), atol=1e-5)


@pytest.mark.parametrize(("layout", "count"), [("stereo", 2), ("5.1", 6), ("7.1", 8)])
@pytest.mark.parametrize(("codec", "name"), [("pcm_s16le", "a.wav"), ("aac", "a.mp4")])
def test_loud_sound_on_all_channels_is_not_clipped(heard, layout, count, codec, name):
    found = heard(tone([0.9] * count), layout, codec, name)[2000:-2000]
    assert np.abs(found).max() < 0.99
    expected = tone([0.9], rate=16000)[2000:-2000, 0]
    assert np.std(found) == pytest.approx(np.std(expected), rel=0.05)  # the low channel of 5.1 may be filtered by AAC


def test_sound_of_more_channels_than_have_names_is_heard(tmp_path):
    path = tmp_path / "array.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(12)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes((tone([0.9] * 12) * 32767).astype("<i2").tobytes())
    found = dict(read_audio(open_media(path), [(0, 1)]))[0]
    assert len(found) == 16000 and np.abs(found).max() == pytest.approx(0.9, abs=0.01)


def test_many_channels_are_mixed_in_short_pieces(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(6)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes((tone([0.5] * 6, seconds=20) * 32767).astype("<i2").tobytes())
    lengths, mono = [], samples._mono

    def counted(channels):
        lengths.append(len(channels))
        return mono(channels)

    monkeypatch.setattr(samples, "_mono", counted)
    assert sum(map(len, audio_blocks(open_media(path)))) == 20 * 16000
    assert max(lengths) <= 16000


def test_of_an_endless_span_only_the_beginning_is_heard(recording, signals, monkeypatch):
    monkeypatch.setattr(audio, "LONGEST", 1.0)
    media = open_media(recording("a.wav", None, [(0, signals.clicks(4, 16000))], rate=16000, codecs=("", "pcm_s16le")))
    assert len(dict(read_audio(media, [(0.5, 4)]))[0]) == 16000


def test_a_short_span_is_given_before_the_rest_is_read(recording, signals):
    media = open_media(recording("a.wav", None, [(0, signals.clicks(4, 16000))], rate=16000, codecs=("", "pcm_s16le")))
    assert [index for index, _ in read_audio(media, [(0, 4), (3, 3.5), (0, 1)])] == [2, 1, 0]


def test_damaged_packets_are_left_out_and_noted(recording, signals):
    hiss = np.random.default_rng(1).normal(0, 0.02, 4 * 44100).astype(np.float32)
    path = recording("a.mp4", None, [(0, signals.clicks(4, 44100) + hiss)])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    notes: list[str] = []
    (_, found), *_ = read_audio(open_media(path), [(0, 4)], notes=notes)
    assert signals.onsets(found)[[0, -1]] == pytest.approx([0, 3], abs=0.03)
    assert len(notes) == 1 and "damaged packets of the audio track" in notes[0]


def test_without_sound_there_are_no_blocks_and_nothing_to_hear(recording, signals):
    media = open_media(recording("silent.mp4", signals.times))
    assert isinstance(media, Media) and list(audio_blocks(media)) == []
    assert list(read_audio(media, [(0, 1)])) == [(0, None)]
