from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import UNKNOWN_SPEAKER, Cue, Transcript, read_transcript
from crossspace.transcripts.formats.rttm import parse_rttm
from crossspace.transcripts.turns import joined

RTTM = (
    ";; made by a program\nSPKR-INFO talk 1 <NA> <NA> <NA> unknown A <NA> <NA>\n"
    "SPEAKER talk 1 2.100 1.900 <NA> <NA> B <NA> <NA>\nSPEAKER talk 1 0.5 1.5 <NA> <NA> A <NA>\n"
    "SPEAKER talk 1 4 .5 <NA> <NA> <NA> <NA> <NA>\nSPEAKER talk 1 soon 1 <NA> <NA> A <NA> <NA>\n"
)


@pytest.mark.parametrize("name", ["talk.rttm", "talk.txt"])
def test_turns_are_utterances_whose_words_are_not_known(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(RTTM)
    found = read_transcript(tmp_path / name)
    assert [(cue.speaker, cue.start, cue.end, cue.text) for cue in found.cues] == [
        ("A", 0.5, 2.0, None),
        ("B", 2.1, 4.0, None),
        (UNKNOWN_SPEAKER, 4.0, 4.5, None),
    ]
    assert [note.split(" ", 3)[:3] for note in found.notes] == [
        ["These", "are", "turns"], ["1", "lines", "are"], ["1", "turns", "have"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RTTM + "SPEAKER other 1 0 1 <NA> <NA> A <NA> <NA>\n", "one recording. Found 2: talk, other"),
        ("SPKR-INFO talk 1 <NA> <NA> <NA> unknown A <NA> <NA>\n", "Found none"),
        ("SPEAKER talk 1 soon later <NA> <NA> A <NA> <NA>\n", "Found none"),
    ],
)
def test_turns_that_cannot_be_those_of_a_recording_are_refused(text: str, words: str) -> None:
    with pytest.raises(DataError, match=rf"^a\.rttm.*{words}"):
        parse_rttm(text, "a.rttm")


def turn(speaker: str, start: float, end: float) -> Cue:
    return Cue(None, speaker, start, end)


def test_each_utterance_goes_to_the_one_who_speaks_most_of_it() -> None:
    said = Transcript((Cue("a", start=0, end=2), Cue("b", start=2, end=6), Cue("c", "Ann", 9, 10), Cue("d")), ("x",))
    # B speaks twice in the second utterance, longer than A's one longest turn; B's turns overlap each other.
    turns = Transcript((turn("A", 0, 3.7), turn("B", 3.5, 4.8), turn("B", 4, 4.5), turn("B", 5, 6)))
    found = joined(said, turns)
    assert [cue.speaker for cue in found.cues] == ["A", "B", "Ann", UNKNOWN_SPEAKER]
    assert [cue.text for cue in found.cues] == ["a", "b", "c", "d"]
    assert found.notes == (
        "x",
        "Speakers come from turns: 2 of 4 utterances.",
        "2 utterances are in no turn and keep their speaker (utterance 3, 4).",
    )


def test_ties_go_to_the_first_to_speak_and_names_that_change_are_told() -> None:
    said = Transcript((Cue("a", "Ann", 1, 3),))
    found = joined(said, Transcript((turn("B", 2, 3), turn("A", 0, 2))))
    assert [cue.speaker for cue in found.cues] == ["A"]
    assert "1 utterances had another speaker" in found.notes[1] and "(utterance 1)" in found.notes[2]


def test_overlaps_are_those_that_are_counted_one_by_one() -> None:
    draw = random.Random(0)

    def span() -> tuple[int, int]:
        start = draw.randint(0, 300)
        return start, start + draw.randint(1, 40)

    turns = [turn(draw.choice("ABC"), *span()) for _ in range(30)]
    said = [Cue("x", "none", *span()) for _ in range(60)]
    found = joined(Transcript(tuple(said)), Transcript(tuple(turns)))
    first = list(dict.fromkeys(t.speaker for t in sorted(turns, key=lambda t: t.start or 0)))
    for cue, own in itertools.zip_longest(said, found.cues):
        seconds = {
            who: sum(any(t.speaker == who and t.start <= at < t.end for t in turns) for at in range(cue.start, cue.end))
            for who in first
        }
        assert own.speaker == (max(first, key=seconds.__getitem__) if any(seconds.values()) else "none")


@pytest.mark.parametrize(
    "turns", [(), (Cue("Hi.", start=1, end=2),), tuple(turn(str(n), n, n + 1) for n in range(201))]
)
def test_turns_that_say_nothing_or_too_much_are_refused(turns: tuple[Cue, ...]) -> None:
    with pytest.raises(DataError, match="Turns should"):
        joined(Transcript((Cue("a", start=0, end=1),)), Transcript(turns))
