import pytest

from crossspace.transcripts.names import named
from crossspace.transcripts.speakers import plain, said_in


@pytest.mark.parametrize(
    ("line", "speaker", "text"),
    [
        ("MARIA: Hello.", "MARIA", "Hello."),
        ("Maria : Hello.", "Maria", "Hello."),
        ("Mary Ann Lee: Hello: you.", "Mary Ann Lee", "Hello: you."),
        ("SPEAKER_00: Hi", "SPEAKER_00", "Hi"),
        ("Speaker 1:Hi", "Speaker 1", "Hi"),
        ("Dr. Green: Hi", "Dr. Green", "Hi"),
        ("李雷: 你好", "李雷", "你好"),
        ("MARIA:", "MARIA", ""),
    ],
)
def test_a_name_before_a_colon_is_the_speaker(line, speaker, text):
    assert named(line) == (speaker, text)


@pytest.mark.parametrize(
    "line",
    [
        "I said: no",
        "Note: bring shoes",
        "At 12:30 we go",
        "12:30",
        "See https://a.b",
        "One two three four: five",
        "He asked, Bob: x",
        "No colon",
        ": nothing",
        "That is it: done",
        "Really? Bob: no",
    ],
)
def test_a_sentence_with_a_colon_names_nobody(line):
    assert named(line) == (None, line)


def test_a_dash_before_a_name_is_no_part_of_it():
    assert said_in(["- JOHN: Yes."]) == [("JOHN", "Yes.")]
    assert said_in([">> JOHN: Yes."]) == [("JOHN", "Yes.")]
    assert said_in(["- Yes."]) == [(None, "Yes.")]


def test_lines_with_names_are_several_speakers():
    assert said_in(["JOHN: Yes", "and no.", "MARY: No."]) == [("JOHN", "Yes and no."), ("MARY", "No.")]


def test_markup_is_stripped_and_arithmetic_is_not():
    assert (
        plain("<c.red>Fish</c> &amp; <00:01.500>chips,  <b>1 < 2</b> and 3 > 2 {\\an8}")
        == "Fish & chips, 1 < 2 and 3 > 2"
    )


def test_text_before_the_first_voice_has_no_speaker():
    assert said_in(["Oh. <v Ann>Yes", "sir.</v>"]) == [(None, "Oh."), ("Ann", "Yes sir.")]
