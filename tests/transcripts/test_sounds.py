"""Sounds and songs stand apart from what is said."""

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.sounds import is_sound, without_sounds


def cues(*texts):
    return "WEBVTT\n\n" + "".join(f"00:0{n}.000 --> 00:0{n + 1}.000\n{t}\n\n" for n, t in enumerate(texts))


@pytest.mark.parametrize(
    "text",
    ["[Music]", "♪♪", "♪", "(door slams)", "[LAUGHTER]", "*sighs*", "♪ la la la ♪", "♪ la la", "la la ♪", "【音楽】",
     "（拍手）", "[laughs] (door opens)", "- [laughs].", "🎵"],
)  # fmt: skip
def test_what_is_only_described_is_a_sound(text):
    assert is_sound(text)


@pytest.mark.parametrize(
    "text", ["Hello.", "[ __ ]", "no [laughs]", "...", "2 * 3 * 4", "(", "[", "ok (", "I *am* glad"]
)
def test_what_is_said_is_no_sound(text):
    assert not is_sound(text)


def test_captions_of_sounds_are_kept_apart_with_their_times(tmp_path):
    (tmp_path / "a.vtt").write_text(
        cues("<i>[applause]</i>", "Ann: Hi. (sighs) You.", "♪ la la ♪", "Ann: I (she/her)?")
    )
    found = read_transcript(tmp_path / "a.vtt")
    assert [(c.text, c.speaker, c.start) for c in found.cues] == [("Hi. You.", "Ann", 1), ("I ?", "Ann", 3)]
    assert [(c.text, c.start, c.end) for c in found.sounds] == [("[applause]", 0, 1), ("♪ la la ♪", 2, 3)]
    assert found.notes == (
        "2 of 4 utterances are sounds or songs; kept apart from speech.",
        "2 utterances describe sounds beside their words; the words are kept.",
    )


def test_what_people_type_in_round_brackets_is_speech(tmp_path):
    (tmp_path / "a.txt").write_text("Ann: I (really) *do* [laughs] know.\nBen: (laughs)\nAnn: Good.\n")
    found = read_transcript(tmp_path / "a.txt")
    assert [cue.text for cue in found.cues] == ["I (really) *do* know.", "Good."]
    assert [(cue.text, cue.speaker) for cue in found.sounds] == [("(laughs)", "Ben")]


def test_a_person_who_gave_a_sound_a_label_is_believed(tmp_path):
    (tmp_path / "a.csv").write_text("text,speaker,emotion\n[laughs],Ann,joy\n[laughs],Ann,\n[sighs] No.,Ben,sad\n")
    found = read_transcript(tmp_path / "a.csv")
    assert [cue.text for cue in found.cues] == ["[laughs]", "[sighs] No."]
    assert len(found.sounds) == 1 and found.entries == 3


def test_labels_count_what_is_set_apart(tmp_path):
    (tmp_path / "a.vtt").write_text(cues("Hi.", "[Music]", "Ho."))
    found = read_transcript(tmp_path / "a.vtt")
    assert [cue.label for cue in found.labelled(["joy", None, "sad"]).cues] == ["joy", "sad"]


def test_a_file_of_nothing_but_sounds_is_refused(tmp_path):
    (tmp_path / "a.vtt").write_text(cues("[Music]", "♪♪"))
    with pytest.raises(DataError, match=r"a\.vtt should hold utterances\. Found 2 descriptions of sounds"):
        read_transcript(tmp_path / "a.vtt")


def test_a_song_ends_where_its_notes_end():
    assert without_sounds("♪ la la ♪ Stop it. ♪ la", "in square brackets") == "Stop it."
