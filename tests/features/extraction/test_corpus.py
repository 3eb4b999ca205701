from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.engine.progress import PartsProgress
from crossspace.errors import DataError
from crossspace.features.extraction import plan as module
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extraction.corpus import Described, ExtractionResult, extract
from crossspace.features.extractors.base import Missing, TextExtractor
from crossspace.features.sources import Recording
from crossspace.transcripts import Cue, Transcript


class Lengths(TextExtractor):
    """The number of letters and of words."""

    name, licence, width, version = "lengths", "none", 2, "1"
    parameters: ClassVar[dict] = {}

    def __init__(self) -> None:
        self.seen: list[str] = []

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        self.seen += items
        return [np.array([len(t), len(t.split())], np.float32) for t in items]


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> Lengths:
    extractor = Lengths()
    monkeypatch.setattr(module, "build", lambda modality, name: extractor)
    return extractor


def talk(name: str, *texts: str | None, split: str | None = None) -> Recording:
    cues = tuple(Cue(text, speaker=f"S{i % 2}", label="joy" if text else None) for i, text in enumerate(texts))
    return Recording(name, Transcript(cues), split=split)


def extracted(folder: Path, *recordings: Recording, described: Described | None = None) -> ExtractionResult:
    return extract(recordings, {"text": "lengths"}, folder / "c.parquet", described, cache=folder)


def test_texts_become_features_and_empty_ones_are_missing_with_a_reason(lengths: Lengths, tmp_path: Path) -> None:
    corpus = extracted(tmp_path, talk("a", "well then", None)).corpus
    first, second = Corpus.read(tmp_path / "c.parquet").split(None)[0].utterances
    assert first.features["text"].tolist() == [9, 2] and first.missing == {}
    assert second.features == {} and second.missing == {"text": "no text"}
    assert corpus.extractors["text"]["name"] == "lengths"
    assert corpus.spec.labels == ("joy",)


def test_what_the_cache_knows_is_not_extracted_again(lengths: Lengths, tmp_path: Path) -> None:
    recordings = [talk("a", "one", "two"), talk("b", "one")]
    extracted(tmp_path, *recordings)
    assert sorted(set(lengths.seen)) == ["one", "two"]
    lengths.seen.clear()
    corpus = extracted(tmp_path, *recordings, talk("c", "three")).corpus
    assert lengths.seen == ["three"]
    assert corpus.conversation_ids(None) == ["a", "b", "c"]


def test_one_bad_file_is_told_and_does_not_stop_the_rest(lengths: Lengths, tmp_path: Path) -> None:
    seen: list[PartsProgress] = []
    bad = Recording("bad", tmp_path / "absent.vtt")
    target = tmp_path / "c.parquet"
    result = extract([bad, talk("good", "yes")], {"text": "lengths"}, target, cache=tmp_path, progress=seen.append)
    assert list(result.failures) == ["bad"] and "absent.vtt" in result.failures["bad"]
    assert result.corpus.conversation_ids(None) == ["good"]
    assert (seen[-1].done, seen[-1].total, seen[-1].failed) == (2, 2, 1)
    with pytest.raises(DataError, match="None of 1 recordings"):
        extracted(tmp_path, bad)


def test_an_hour_of_hundreds_of_digits_stops_no_other_recording(lengths: Lengths, tmp_path: Path) -> None:
    for digits in (400, 5000):
        (tmp_path / "bad.vtt").write_text(f"WEBVTT\n\n{'9' * digits}:00:00 --> {'9' * digits}:00:01\nhi\n")
        bad = Recording("bad", tmp_path / "bad.vtt")
        result = extracted(tmp_path, bad, talk("good", "yes"))
        assert list(result.failures) == ["bad"] and "1 blocks have no line of times" in result.failures["bad"]


def test_recordings_of_one_id_are_refused_before_any_work(lengths: Lengths, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'a' more than once"):
        extracted(tmp_path, talk("a", "x"), talk("b", "y"), talk("a", "z"))
    assert lengths.seen == []


def test_unlabelled_recordings_make_a_corpus_without_labels(lengths: Lengths, tmp_path: Path) -> None:
    silent = Recording("a", Transcript((Cue("hm"),)))
    corpus = extracted(tmp_path, silent).corpus
    assert corpus.spec.labels == () and corpus.labels(None).tolist() == [-100]


def test_a_label_that_was_not_announced_is_refused(lengths: Lengths, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"others:\n  'joy': utterance 'a_0'"):
        extracted(tmp_path, talk("a", "x"), described=Described(labels=("anger",)))
    assert not (tmp_path / "c.parquet").exists()


def test_validation_is_cut_from_train_where_there_is_none(lengths: Lengths, tmp_path: Path) -> None:
    recordings = [talk(f"c{i}", "x", split="train") for i in range(20)]
    corpus = extracted(tmp_path, *recordings).corpus
    assert len(corpus.conversation_ids("validation")) == 2


def test_the_cut_the_speakers_and_the_labels_are_those_that_were_asked_for(lengths: Lengths, tmp_path: Path) -> None:
    recordings = [talk(f"c{i}", "x", "y", split="train") for i in range(20)]
    asked = Described(("Joy",), (), ("S1", "S0"), validation_cut="stratified", validation_fraction=0.2, seed=4)
    corpus = extracted(tmp_path, *recordings, described=asked).corpus
    assert corpus.cut == {"rule": "stratified", "fraction": 0.2, "seed": 4}
    assert (len(corpus.conversation_ids("validation")), corpus.spec.speakers) == (4, ("S1", "S0"))
    assert corpus.spec.labels == ("Joy",) and set(corpus.labels("all").tolist()) == {0}
    other = extracted(tmp_path, *recordings, described=Described(speakers=3, validation_fraction=0)).corpus
    assert other.spec.speakers == 3 and other.splits == ("train",)


def test_labels_of_a_file_of_their_own_go_to_the_utterances_in_order(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("joy\n\n", encoding="utf-8")
    recording = Recording("a", Transcript((Cue("x"), Cue("y"))), labels=tmp_path / "labels.txt")
    found = Extraction({}).run(recording).conversation
    assert [u.label for u in found.utterances] == ["joy", None]
    (tmp_path / "labels.txt").write_text("joy\n", encoding="utf-8")
    with pytest.raises(DataError, match="Found 1 lines"):
        Extraction({}).run(recording)


VTT = (
    "WEBVTT\n\n00:02.000 --> 00:03.000\nsecond\n\n00:04.000 --> 00:05.000\n\n"
    "00:00.500 --> 00:01.000\nfirst\n\n00:09.000 --> 00:10.000\nlate\n"
)


@pytest.fixture
def labelled(tmp_path: Path) -> Recording:
    """A transcript out of order, with an entry without a text and one after the end of a recording of 6 seconds."""
    (tmp_path / "a.vtt").write_text(VTT, encoding="utf-8")
    (tmp_path / "labels.txt").write_text("for-second\nfor-nothing\nfor-first\nfor-late\n", encoding="utf-8")
    return Recording("a", tmp_path / "a.vtt", labels=tmp_path / "labels.txt")


def labels_of(recording: Recording) -> list[tuple[str | None, str | None]]:
    return [(u.text, u.label) for u in Extraction({}).run(recording).conversation.utterances]


def test_a_label_belongs_to_the_entry_at_its_place_in_the_file(labelled: Recording) -> None:
    assert labels_of(labelled) == [("first", "for-first"), ("second", "for-second"), ("late", "for-late")]


def test_a_label_of_what_the_recording_lacks_is_left_out_with_it(
    labelled: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = pytest.importorskip("crossspace.features.media.probe")
    media = probe.Media(Path("a.wav"), 6.0, None, None)
    monkeypatch.setattr("crossspace.features.extraction.listening.open_media", lambda path, track: media)
    monkeypatch.setattr("crossspace.features.extraction.listening.media_digest", lambda path: "digest")
    assert labels_of(replace(labelled, media=media.path)) == [("first", "for-first"), ("second", "for-second")]


def test_labels_of_another_number_are_told_how_many_entries_the_file_has(labelled: Recording) -> None:
    assert labelled.labels is not None
    labelled.labels.write_text("one\ntwo\nthree\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"the 4 entries of a\.vtt .*Found 3 lines\. 1 of 4 entries have no text"):
        Extraction({}).run(labelled)


def test_a_modality_that_a_recording_lacks_is_missing_with_the_reason(tmp_path: Path) -> None:
    from crossspace.features.extractors import build

    extraction = Extraction({"audio": build("audio", "prosody")}, FeatureCache(tmp_path))
    (utterance,) = extraction.run(talk("a", "x")).conversation.utterances
    assert utterance.missing == {"audio": "no recording"}


def test_damage_of_a_recording_is_noted_on_a_second_run_as_on_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crossspace.features.extractors import build

    audio = pytest.importorskip("crossspace.features.media.audio")
    probe = pytest.importorskip("crossspace.features.media.probe")
    media = probe.Media(tmp_path / "a.wav", 6.0, probe.AudioTrack(0, 16000, 1), None)
    times = np.arange(16_000, dtype=np.float32)
    read = []

    def hear(media, spans, notes, channels):
        read.append(spans)
        yield from ((i, np.sin(times)) for i in range(len(spans)))
        notes.append("a.wav: 3 damaged packets of the audio track were left out.")

    monkeypatch.setattr(audio, "read_audio", hear)
    monkeypatch.setattr("crossspace.features.extraction.listening.open_media", lambda path, track: media)
    monkeypatch.setattr("crossspace.features.extraction.listening.media_digest", lambda path: "digest")
    recording = Recording("a", Transcript((Cue("x", start=0.0, end=1.0),)), media.path)
    extraction = Extraction({"audio": build("audio", "prosody")}, FeatureCache(tmp_path))
    first, second = extraction.run(recording).notes, extraction.run(recording).notes
    assert first == second == ("a.wav: 3 damaged packets of the audio track were left out.",)
    assert len(read) == 1


def test_an_utterance_of_no_length_is_missing_for_that_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crossspace.features.extractors import build

    audio = pytest.importorskip("crossspace.features.media.audio")
    probe = pytest.importorskip("crossspace.features.media.probe")
    media = probe.Media(tmp_path / "a.wav", 6.0, probe.AudioTrack(0, 16000, 1), None)
    sound = np.sin(np.arange(16_000, dtype=np.float32))
    monkeypatch.setattr(audio, "read_audio", lambda media, spans, **_: ((i, sound) for i in range(len(spans))))
    monkeypatch.setattr("crossspace.features.extraction.listening.open_media", lambda path, track: media)
    monkeypatch.setattr("crossspace.features.extraction.listening.media_digest", lambda path: "digest")
    cues = (Cue("x", start=0.0, end=1.0), Cue("y", start=2.0, end=2.0), Cue("z"))
    found = Extraction({"audio": build("audio", "prosody")}).run(Recording("a", Transcript(cues), media.path))
    assert [u.missing for u in found.conversation.utterances] == [
        {},
        {"audio": "it has no length"},
        {"audio": "no times"},
    ]


def test_a_long_transcript_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lengths, "batch", 2)
    told: list[str] = []
    said = Conversation("c", tuple(Utterance(str(i), "A", f"text {i}") for i in range(5)))
    Extraction({"text": Lengths()}).fill([said], told.append)
    assert told == ["text, 2 of 5", "text, 4 of 5", "text, 5 of 5"]
