from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.features.sources import find_recordings, is_manifest

MELD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    '1,"Oh, it\x92s you!",Ann,joy,positive,0,1,8,21,"00:16:21,940","00:16:23,442"\n'
    '2,Hello?,Bob,neutral,neutral,0,0,8,21,"00:16:16,059","00:16:21,731"\n'
    '3,Bye.,Ann,sadness,negative,2,0,8,21,"00:20:00,000","00:20:01,000"\n'
)
EMORY = (
    "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time\n"
    "Yeah!,\"['Monica Geller', 'Ross Geller']\",Joyful,1,1,1,2,00:00:02.877,00:00:07.548\n"
    "No.,['Joey Tribbiani'],Mad,1,1,1,3,00:00:02.877,00:00:07.548\n"
)


@pytest.fixture
def meld(tmp_path: Path) -> Path:
    folder = tmp_path / "meld"
    folder.mkdir()
    (folder / "train_sent_emo.csv").write_text(MELD, encoding="utf-8")
    (folder / "dev_sent_emo.csv").write_text(MELD, encoding="utf-8")
    return folder


def test_tables_of_meld_become_conversations_in_splits_named_by_their_files(meld: Path) -> None:
    found = find_recordings(meld)
    assert [(r.id, r.split) for r in found] == [
        ("validation_0", "validation"),
        ("validation_2", "validation"),
        ("train_0", "train"),
        ("train_2", "train"),
    ]
    cues = found[2].transcript.cues
    assert [cue.text for cue in cues] == ["Hello?", "Oh, it’s you!"]
    assert [cue.label for cue in cues] == ["neutral", "joy"]
    assert cues[1].start == pytest.approx(981.94)


def test_ids_and_texts_are_those_of_the_source(meld: Path) -> None:
    (meld / "train_sent_emo.csv").write_text(MELD.replace("Hello?", " Hello  there? "), encoding="utf-8")
    (recording, _) = find_recordings(meld / "train_sent_emo.csv")
    assert recording.id == "0"
    assert [(cue.id, cue.text, cue.row) for cue in recording.transcript.cues] == [
        ("0", " Hello  there? ", 1),
        ("1", "Oh, it’s you!", 0),
    ]


def test_the_split_stands_before_a_name_only_where_two_tables_have_it(meld: Path) -> None:
    for name, numbers in (("dev", "57"), ("train", "08")):
        (meld / f"{name}_sent_emo.csv").write_text(
            "Utterance,Dialogue_ID\n" + "".join(f"hi,{number}\n" for number in numbers), encoding="utf-8"
        )
    assert [r.id for r in find_recordings(meld)] == ["5", "7", "0", "8"]
    (meld / "test_sent_emo.csv").write_text("Utterance,Dialogue_ID\nhi,7\n", encoding="utf-8")
    assert [r.id for r in find_recordings(meld)] == ["validation_5", "validation_7", "test_7", "train_0", "train_8"]


def test_names_that_are_numbers_are_no_order(tmp_path: Path) -> None:
    path = tmp_path / "talks.csv"
    path.write_text("id,text,conversation\n90071,first,a\n12,second,a\n", encoding="utf-8")
    assert [cue.id for cue in find_recordings(path)[0].transcript.cues] == ["90071", "12"]


def test_an_id_that_occurs_twice_in_a_conversation_is_refused(meld: Path) -> None:
    path = meld / "train_sent_emo.csv"
    path.write_text(MELD.replace("positive,0,1,", "positive,0,0,"), encoding="utf-8")
    with pytest.raises(DataError, match="Utterance_ID '0' of '0'"):
        find_recordings(path)


def test_tables_that_hold_the_same_conversation_are_refused_with_both_named(meld: Path) -> None:
    (meld / "train_b.csv").write_text(MELD, encoding="utf-8")
    with pytest.raises(DataError) as error:
        find_recordings(meld)
    for told in ("'train_0'", "'train_2'", "train_b.csv and in", "train_sent_emo.csv"):
        assert told in str(error.value)
    assert "validation" not in str(error.value)


def test_scenes_of_emorynlp_are_told_apart_by_season_and_episode(tmp_path: Path) -> None:
    path = tmp_path / "emorynlp_train_final.csv"
    path.write_text(EMORY, encoding="utf-8")
    found = find_recordings(path)
    assert [r.id for r in found] == ["1_2_1", "1_3_1"]
    assert found[0].transcript.cues[0].speaker == "Monica Geller and Ross Geller"


def test_a_clip_is_taken_from_the_folder_of_its_split_and_gives_the_times(meld: Path, tmp_path: Path) -> None:
    for folder in ("train_clips", "dev_clips"):
        (tmp_path / "clips" / folder).mkdir(parents=True)
        (tmp_path / "clips" / folder / "dia0_utt0.mp4").write_bytes(b"x")
    found = find_recordings(meld / "train_sent_emo.csv", clips=tmp_path / "clips")
    assert found[0].clips == (tmp_path / "clips" / "train_clips" / "dia0_utt0.mp4", None)
    assert found[0].transcript.cues[0].start is None


def test_a_folder_without_any_clip_is_refused(meld: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="dia<dialogue>_utt<utterance>"):
        find_recordings(meld, clips=tmp_path / "none")


def test_what_is_no_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Found nothing"):
        find_recordings(tmp_path / "absent.mp4")
    with pytest.raises(DataError, match="manifest"):
        find_recordings(tmp_path)


def test_manifest_names_files_beside_it_and_every_fault_is_told(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("media,transcript,split\na.mp4,a.vtt,dev\n,b.vtt,\n", encoding="utf-8")
    first, second = find_recordings(path)
    assert (first.id, first.media, first.split) == ("a", tmp_path / "a.mp4", "validation")
    assert (second.id, second.media, second.split) == ("b", None, None)
    path.write_text("media,transcript,split\na.mp4,,tran\n,,\na.mov,,\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        find_recordings(path)
    for fault in ("'tran' is unknown", "row 3 names neither", "'a' occurs twice"):
        assert fault in str(error.value)


def test_a_manifest_with_a_column_of_conversations_is_still_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("media,transcript,conversation_id\na.mp4,a.vtt,first\n", encoding="utf-8")
    assert [(r.id, r.media) for r in find_recordings(path)] == [("first", tmp_path / "a.mp4")]


def test_a_table_of_one_conversation_is_a_transcript_whatever_separates_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "talk.csv"
    path.write_text("speaker;text\nAnn;Hello, Bob;\n", encoding="utf-8")
    assert [(r.id, r.transcript) for r in find_recordings(path)] == [("talk", path)]


@pytest.mark.parametrize("head", ["Media,Transcript,conversation_id", " media ,TRANSCRIPT,conversation_id"])
def test_the_case_of_the_head_of_a_manifest_does_not_matter(tmp_path: Path, head: str) -> None:
    path = tmp_path / "all.csv"
    path.write_text(f"{head}\na.mp4,a.vtt,first\n", encoding="utf-8")
    assert [(r.id, r.media, r.transcript) for r in find_recordings(path)] == [
        ("first", tmp_path / "a.mp4", tmp_path / "a.vtt")
    ]


def test_a_manifest_of_transcripts_alone_is_known_by_the_files_it_names(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("transcript,conversation_id\na.vtt,first\n", encoding="utf-8")
    assert not is_manifest(path)
    (tmp_path / "a.vtt").write_text("WEBVTT\n", encoding="utf-8")
    assert [(r.id, r.media, r.transcript) for r in find_recordings(path)] == [("first", None, tmp_path / "a.vtt")]
    with pytest.raises(DataError, match="manifest"):
        find_recordings(tmp_path)
