from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.formats.textgrid import parse_textgrid

Interval = tuple[float, float, str]
HEAD = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'


def long(**tiers: list[Interval]) -> str:
    lines = [f"{HEAD}xmin = 0 \nxmax = 9 \ntiers? <exists> \nsize = {len(tiers)} \nitem []: "]
    for number, (name, intervals) in enumerate(tiers.items(), start=1):
        lines += [f'    item [{number}]:\n        class = "IntervalTier" \n        name = "{name}" \n        xmin = 0 ']
        lines += [f"        xmax = 9 \n        intervals: size = {len(intervals)} "]
        for at, (start, end, text) in enumerate(intervals, start=1):
            quoted = text.replace('"', '""')
            lines += [f"        intervals [{at}]:\n            xmin = {start} \n            xmax = {end} "]
            lines += [f'            text = "{quoted}" ']
    return "\n".join(lines) + "\n"


def short(**tiers: list[Interval]) -> str:
    lines = [f"{HEAD}0\n9\n<exists>\n{len(tiers)}"]
    for name, intervals in tiers.items():
        lines += ['"IntervalTier"', f'"{name}"', "0", "9", str(len(intervals))]
        lines += ['{}\n{}\n"{}"'.format(start, end, text.replace('"', '""')) for start, end, text in intervals]
    return "\n".join(lines) + "\n"


TALK: dict[str, list[Interval]] = {
    "Ann": [(0, 0.5, ""), (0.5, 2, 'She said "no",\n12 times!'), (2, 9, " ")],
    "Ben": [(2, 2.25, "Ja: 3 = 3")],
}
WANTED = [("Ann", 0.5, 2, 'She said "no", 12 times!'), ("Ben", 2, 2.25, "Ja: 3 = 3")]


def rows(transcript) -> list[tuple]:
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in transcript.cues]


@pytest.mark.parametrize("written", [long(**TALK), short(**TALK)])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.TextGrid", "a.txt"])
def test_both_forms_give_the_same_and_silence_is_no_entry(
    tmp_path: Path, written: str, encoding: str, name: str
) -> None:
    (tmp_path / name).write_text(written, encoding=encoding)
    found = read_transcript(tmp_path / name)
    assert rows(found) == WANTED and found.notes == ()


def test_the_chronological_form_is_read() -> None:
    text = (
        '"Praat chronological TextGrid text file"\n0 9 ! Time domain.\n2 ! Number of "tiers".\n'
        '"IntervalTier" "Ann" 0 9\n"IntervalTier" "Ben" 0 9\n1 0 0.5\n""\n1 0.5 2\n"She said ""no"",\n12 times!"\n'
        '2 2 2.25\n"Ja: 3 = 3"\n'
    )
    assert rows(parse_textgrid(text, "a")) == WANTED


def test_moments_and_sounds_beside_speech_are_named_and_not_read() -> None:
    text = short(Ann=[(0, 1, "Hi.")], phones=[(0, 0.5, "h"), (0.5, 1, "ai")]).replace("<exists>\n2", "<exists>\n3")
    found = parse_textgrid(text + '"TextTier"\n"clicks"\n0\n9\n1\n0.5\n"click"\n', "a")
    assert rows(found) == [("Ann", 0, 1, "Hi.")]
    assert found.notes == ("2 tiers were not read as speech: 'phones' (sounds), 'clicks' (moments).",)


def test_moments_alone_are_utterances_without_ends() -> None:
    found = parse_textgrid(f'{HEAD}0\n9\n<exists>\n1\n"TextTier"\n"Ann"\n0\n9\n2\n1\n"Hi."\n3\n"Bye."\n', "a")
    assert rows(found) == [("Ann", 1, 3, "Hi."), ("Ann", 3, None, "Bye.")]


def test_aligned_words_are_joined_at_pauses() -> None:
    words = [(0, 0.5, "well"), (0.5, 0.75, ""), (0.75, 1, "then"), (1, 2, ""), (2, 3, "bye")]
    found = parse_textgrid(long(**{"Ann - words": words, "Ann - phones": [(0, 1, "w")]}), "a")
    assert rows(found) == [("Ann", 0, 1, "well then"), ("Ann", 2, 3, "bye")]
    assert any("Words were joined" in note for note in found.notes)
    assert any("'Ann - words' by Ann" in note for note in found.notes)


def test_words_beside_their_sentences_are_not_said_twice() -> None:
    found = parse_textgrid(short(sentences=[(0, 1, "well then")], words=[(0, 0.5, "well"), (0.5, 1, "then")]), "a")
    assert rows(found) == [("speaker", 0, 1, "well then")]


def test_a_tier_of_emotions_gives_labels() -> None:
    found = parse_textgrid(short(Ann=[(0, 1, "Hi."), (1, 2, "Oh.")], emotion=[(0, 1, "joy"), (1, 2, "")]), "a")
    assert [cue.label for cue in found.cues] == ["joy", None]


def test_times_that_run_backwards_are_noted_and_the_words_kept() -> None:
    found = parse_textgrid(short(Ann=[(2, 1, "Hi.")]), "a")
    assert rows(found) == [("Ann", None, None, "Hi.")] and "impossible times" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (short(**TALK)[:-12], "annotation 1, should have a text in quotes. Found the end"),
        (short(**TALK).replace("\n3\n", "\n4\n", 1), "annotation 4, should have a time"),
        (short(**TALK).replace("\n3\n", "\n2\n", 1), "tier 2, should have IntervalTier or TextTier"),
        (short(**TALK).replace('"IntervalTier"', '"PitchTier"'), "PitchTier"),
        (f"{HEAD}0\n9\n<absent>\n", "the number of tiers"),
        (HEAD + '"' * 100_001, "should have"),
        (HEAD, "the beginning"),
    ],
)
def test_a_file_that_does_not_hold_what_it_says_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(DataError, match=rf"^a\.TextGrid.*{words}"):
        parse_textgrid(text, "a.TextGrid")


def test_what_is_only_called_a_textgrid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.TextGrid").write_text("Ann: hello\n")
    with pytest.raises(DataError, match="begins with File type"):
        read_transcript(tmp_path / "a.TextGrid")
