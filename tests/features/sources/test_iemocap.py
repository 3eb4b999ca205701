"""IEMOCAP is read from its folders as they are distributed."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.cli.main import main
from crossspace.data.corpus import Corpus
from crossspace.errors import DataError
from crossspace.features.sources import find_recordings

HEAD = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"


def dialogue(corpus: Path, session: int, name: str, labels: dict[str, str]) -> None:
    dialog = corpus / f"Session{session}" / "dialog"
    for part in ("transcriptions", "EmoEvaluation", "wav"):
        (dialog / part).mkdir(parents=True, exist_ok=True)
    said = [
        f"{name}_F000 [006.2901-008.2357]: Excuse me.", f"{name}_M000 [007.5712-010.4750]: Do you have your forms?",
        f"{name}_FXX0 [010.0100-011.3925]: [BREATHING]", f"{name}_F001 [010.0100-011.3925]: [LAUGHTER]",
    ]  # fmt: skip
    (dialog / "transcriptions" / f"{name}.txt").write_text("\n".join(said) + "\n")
    turns = [f"[6.2901 - 8.2357]\t{name}_{turn}\t{label}\t[2.5000, 2.5000, 2.5000]" for turn, label in labels.items()]
    rated = "C-E2:\tNeutral;\t()\n"
    (dialog / "EmoEvaluation" / f"{name}.txt").write_text(HEAD + f"\n{rated}\n".join(turns) + f"\n{rated}")
    (dialog / "transcriptions" / f"._{name}.txt").write_bytes(b"\0")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    dialogue(tmp_path, 1, "Ses01F_impro01", {"F000": "neu", "M000": "xxx", "F001": "hap", "M009": "ang"})
    dialogue(tmp_path, 5, "Ses05M_script01_1", {"F000": "sad", "M000": "fru"})
    return tmp_path


def test_dialogues_have_words_speakers_emotions_and_splits(corpus: Path) -> None:
    first, second = find_recordings(corpus)
    assert (first.id, first.split, second.id, second.split) == ("Ses01F_impro01", "train", "Ses05M_script01_1", "test")
    assert [(c.id, c.speaker, c.text, c.label) for c in first.transcript.cues] == [
        ("Ses01F_impro01_F000", "F", "Excuse me.", "neu"),
        ("Ses01F_impro01_M000", "M", "Do you have your forms?", "xxx"),
        ("Ses01F_impro01_F001", "F", "[LAUGHTER]", "hap"),
    ]
    assert any("1 evaluated turns have no words" in note and "M009" in note for note in first.transcript.notes)
    assert [c.label for c in second.transcript.cues] == ["sad", "fru", None]
    assert any("1 utterances have no evaluation" in note for note in second.transcript.notes)


def test_a_session_alone_is_read_and_the_video_comes_before_the_sound(corpus: Path) -> None:
    dialog = corpus / "Session5" / "dialog"
    sound = dialog / "wav" / "Ses05M_script01_1.wav"
    sound.write_bytes(b"RIFF")
    (only,) = find_recordings(corpus / "Session5")
    assert (only.split, only.media) == ("test", sound)
    video = dialog / "avi" / "DivX" / "Ses05M_script01_1.avi"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"RIFF")
    assert find_recordings(corpus)[1].media == video


@pytest.mark.parametrize(
    "name", ["SESSION1", "session1", "Session_1", "IEMOCAP_full_release/Session1", "IEMOCAP/session 1"]
)
def test_sessions_are_known_however_their_folder_is_written(corpus: Path, tmp_path: Path, name: str) -> None:
    place = tmp_path / "elsewhere" / name
    place.parent.mkdir(parents=True)
    (corpus / "Session1").rename(place)
    (only,) = find_recordings(tmp_path / "elsewhere")
    assert (only.id, only.split) == ("Ses01F_impro01", "train")


@pytest.mark.parametrize("part", ["transcriptions", "EmoEvaluation"])
@pytest.mark.parametrize("content", ["", "Ann: hello\nBen: hi\n"])
def test_a_file_that_is_none_of_the_corpus_is_named_with_its_folder(corpus: Path, part: str, content: str) -> None:
    (corpus / "Session1" / "dialog" / part / "Ses01F_impro01.txt").write_text(content)
    with pytest.raises(DataError, match=rf"Session1/dialog/{part}/Ses01F_impro01.txt should"):
        find_recordings(corpus)


def test_lines_may_end_as_on_windows(corpus: Path) -> None:
    for path in corpus.rglob("Ses01F_impro01.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    first, _ = find_recordings(corpus)
    assert [cue.label for cue in first.transcript.cues] == ["neu", "xxx", "hap"]


def test_a_corpus_without_evaluations_has_no_emotions_and_says_so(corpus: Path) -> None:
    (corpus / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt").unlink()
    first, _ = find_recordings(corpus)
    assert {cue.label for cue in first.transcript.cues} == {None}
    assert any("EmoEvaluation" in note and "is not there" in note for note in first.transcript.notes)


def test_folders_without_transcriptions_are_refused(tmp_path: Path) -> None:
    (tmp_path / "Session1" / "dialog" / "transcriptions").mkdir(parents=True)
    with pytest.raises(DataError, match=r"looks like IEMOCAP .* Ses\*\.txt"):
        find_recordings(tmp_path)


def test_a_corpus_is_extracted_from_it(corpus: Path, tmp_path: Path) -> None:
    target = tmp_path / "iemocap.parquet"
    words = ["--text", "none", "--audio", "none", "--visual", "none"]
    assert main(["extract", str(corpus), str(target), *words]) == 2  # something has to be extracted
    words = ["--text", "minilm", "--speakers", "F,M", "--unlabelled", "xxx", "--cache", str(tmp_path / "cache")]
    assert main(["extract", str(corpus), str(target), "--quiet", "--jobs", "1", *words]) == 0
    made = Corpus.read(target)
    assert set(made.spec.labels) == {"fru", "hap", "neu", "sad"} and made.spec.speakers == ("F", "M")
    assert made.conversation_ids("test") == ["Ses05M_script01_1"]
