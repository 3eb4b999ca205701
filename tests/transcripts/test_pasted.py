import pytest

from crossspace.errors import DataError
from crossspace.transcripts import parse_text


def rows(text):
    return [(cue.speaker, cue.text) for cue in parse_text(text).cues]


def test_lines_with_names_are_utterances_without_times():
    found = parse_text("Anna: How are you?\n\nBob: Fine: really.\n")
    assert [(cue.speaker, cue.text, cue.start) for cue in found.cues] == [
        ("Anna", "How are you?", None),
        ("Bob", "Fine: really.", None),
    ]
    assert found.notes == ()


def test_names_may_be_lower_case_where_every_line_has_one():
    assert rows("anna: hi\nbob: I said: no") == [("anna", "hi"), ("bob", "I said: no")]


def test_a_line_without_a_name_belongs_to_the_speaker_above():
    found = parse_text("Anna: Hi.\nI said: no.\nBob: Ok.")
    assert [cue.speaker for cue in found.cues] == ["Anna", "Anna", "Bob"]
    assert found.notes[0].startswith("1 of 3 lines")


def test_text_without_names_has_one_unknown_speaker():
    assert rows("Hello.\nGood bye.") == [("speaker", "Hello."), ("speaker", "Good bye.")]


@pytest.mark.parametrize("text", ["", " \n ", "Anna:\nBob:"])
def test_a_conversation_without_words_is_refused(text):
    with pytest.raises(DataError, match="should hold utterances"):
        parse_text(text)
