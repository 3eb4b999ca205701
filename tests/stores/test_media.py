"""Recordings, transcripts and manifests on stores."""

from __future__ import annotations

import pickle
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.analysis.analyze import analyze
from crossspace.errors import DataError
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extractors import build
from crossspace.features.sources import Recording, find_recordings
from crossspace.stores import place

_CAPTIONS = "WEBVTT\n\n00:00.000 --> 00:01.000\n<v Ann>Good morning\n\n00:01.000 --> 00:02.000\n<v Ben>Go away\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["memory", "bucket"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A folder with two seconds of sound, captions and a manifest."""
    folder = tmp_path / "talk"
    folder.mkdir()
    times = np.arange(32_000) / 16_000
    samples = (8000 * np.sin(2 * np.pi * 220 * times) * (0.5 + 0.5 * np.sin(9 * times))).astype("<i2")
    with wave.open(str(folder / "talk.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    (folder / "talk.vtt").write_text(_CAPTIONS)
    (folder / "manifest.csv").write_text("media,transcript,labels\ntalk.wav,talk.vtt,labels.txt\n")
    (folder / "labels.txt").write_text("joy\nanger\n")
    return folder


def _put(folder: Path, target: str, *names: str) -> None:
    for name in names:
        place(f"{target}/{name}").write_bytes((folder / Path(name).name).read_bytes())


def _extracted(recording: Recording) -> Any:
    return Extraction({"audio": build("audio", "prosody")}).run(recording)


def test_a_manifest_on_a_store_names_files_beside_it(root: str, talk: Path) -> None:
    _put(talk, f"{root}/set", "manifest.csv", "talk.wav", "talk.vtt", "labels.txt")
    (stored,) = find_recordings(place(f"{root}/set/manifest.csv"))
    (local,) = find_recordings(talk / "manifest.csv")
    assert str(stored.media) == f"{root}/set/talk.wav"
    one, other = _extracted(pickle.loads(pickle.dumps(stored))), _extracted(local)
    assert [u.label for u in one.conversation.utterances] == ["joy", "anger"]
    for left, right in zip(one.conversation.utterances, other.conversation.utterances, strict=True):
        assert (left.text, left.speaker) == (right.text, right.speaker)
        assert np.array_equal(left.features["audio"], right.features["audio"])


def test_a_local_manifest_names_addresses(memory: str, talk: Path) -> None:
    _put(talk, memory, "talk.wav", "talk.vtt")
    (talk / "manifest.csv").write_text(f"media,transcript\n{memory}/talk.wav,{memory}/talk.vtt\n")
    (recording,) = find_recordings(talk / "manifest.csv")
    assert recording.id == "talk"
    assert len(_extracted(recording).conversation) == 2
    (talk / "texts.csv").write_text(f"transcript\n{memory}/talk.vtt\n")
    assert str(find_recordings(talk / "texts.csv")[0].transcript) == f"{memory}/talk.vtt"


def test_a_bad_address_in_a_manifest_is_named_with_its_row(talk: Path) -> None:
    (talk / "manifest.csv").write_text("media\nhttps://host/a.wav\ns3://bucket/x::file:///etc/passwd\n")
    with pytest.raises(DataError, match=r"(?s)row 2: https.*row 3: .*joins two"):
        find_recordings(talk / "manifest.csv")


def test_what_a_manifest_names_and_is_not_there_is_a_failure_of_that_recording(memory: str, talk: Path) -> None:
    (talk / "manifest.csv").write_text(f"media\n{memory}/none.wav\n")
    with pytest.raises(DataError, match=rf"{memory}/none\.wav should be a file\. Found nothing"):
        _extracted(find_recordings(talk / "manifest.csv")[0])
    place(f"{memory}/none.wav").write_bytes(b"no sound at all")
    with pytest.raises(DataError, match=rf"{memory}/none\.wav should be a recording") as refused:
        _extracted(find_recordings(talk / "manifest.csv")[0])
    assert "cache" not in str(refused.value)


def test_a_folder_on_a_store_is_listed(root: str, talk: Path) -> None:
    _put(talk, f"{root}/all", "a/talk.wav", "a/talk.vtt", "b/talk.wav", ".hidden/talk.wav")
    notes: list[str] = []
    found = find_recordings(place(f"{root}/all"), notes=notes)
    assert [(one.id, one.transcript is not None) for one in found] == [("a/talk", True), ("b/talk", False)]
    assert len(_extracted(found[0]).conversation) == 2


def test_clips_on_a_store_are_copied_one_by_one(memory: str, talk: Path) -> None:
    _put(talk, memory, "talk.wav")
    place(f"{memory}/clips/train/dia0_utt0.wav").write_bytes((talk / "talk.wav").read_bytes())
    place(f"{memory}/train.csv").write_text(
        "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nGood morning,Ann,joy,0,0\nGo away,Ben,anger,0,1\n"
    )
    (recording,) = find_recordings(place(f"{memory}/train.csv"), clips=place(f"{memory}/clips"))
    first, second = _extracted(recording).conversation.utterances
    assert "audio" in first.features
    assert second.missing["audio"] == "no clip"


def test_iemocap_on_a_store_is_known_and_refused(memory: str) -> None:
    place(f"{memory}/Session1/dialog/transcriptions/Ses01F_impro01.txt").write_text("x")
    place(f"{memory}/Session1/dialog/wav/Ses01F_impro01.wav").write_bytes(b"x")
    with pytest.raises(DataError, match=r"IEMOCAP.*Copy it"):
        find_recordings(place(memory))


def test_a_transcript_on_a_store_is_analyzed(memory: str, talk: Path) -> None:
    _put(talk, memory, "talk.vtt")
    stored, local = analyze(f"{memory}/talk.vtt"), analyze(talk / "talk.vtt")
    assert stored.conversation_id == "talk"
    assert [u.probabilities for u in stored.utterances] == [u.probabilities for u in local.utterances]


def test_a_connection_lost_while_a_recording_is_fetched(proxy: Any, bucket: str, talk: Path) -> None:
    _put(talk, bucket, "talk.wav", "talk.vtt")
    proxy.cut(1, after=20_000, only=b"GET")
    assert (
        len(_extracted(Recording("talk", place(f"{bucket}/talk.vtt"), place(f"{bucket}/talk.wav"))).conversation) == 2
    )
    assert proxy.made == 1
