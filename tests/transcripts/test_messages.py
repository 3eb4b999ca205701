"""Chats: who writes what; the times are none of a recording."""

import pytest

TIMES = "The times are those of a chat and none of a recording; not used."


def rows(transcript):
    return [(cue.speaker, cue.start, cue.text) for cue in transcript.cues]


FORMS = (
    "[12.03.24, 18:0{0}:11] {1}: {2}",
    "12/03/2024, 18:0{0} - {1}: {2}",
    "[3/12/24, 6:0{0}:11\u202fPM] {1}: {2}",
    "3/12/24, 6:0{0} PM - {1}: {2}",
    "[6:0{0} PM] {1}: {2}",
    "2024-03-12 18:0{0}:11 {1}: {2}",
    "[2024-03-12 18:0{0}] {1}: {2}",
    "18:05:0{0}\t From  {1} : {2}",
    "18:05:0{0} From {1} to Everyone:\n\t{2}",
    "{1}  6:0{0} PM\n{2}",
    "{1} — Today at 6:0{0} PM\n{2}\n",
    "{1} — 03/12/2024 6:0{0} PM\n{2}\n",
    "{1} [6:0{0} PM]\n{2}",
)


@pytest.mark.parametrize("form", FORMS)
def test_messages_are_read_in_any_usual_form(read, form):
    found = read("\n".join(form.format(*m) for m in [(1, "Anna", "hi\nyou: at 10:30"), (2, "ben o'neil", "(ok) 👍")]))
    assert rows(found) == [("Anna", None, "hi you: at 10:30"), ("ben o'neil", None, "(ok) 👍")]
    assert (found.notes, found.format) == ((TIMES,), "a chat with dates")


def test_what_the_messenger_says_itself_is_left_out_and_said(read):
    found = read(
        "12/03/2024, 18:05 - Messages and calls are end-to-end encrypted.\nTap to learn more.\n"
        "12/03/2024, 18:05 - Anna: hi\n12/03/2024, 18:06 - +49 170 1234567: <Media omitted>\n"
        "12/03/2024, 18:07 - +49 170 1234567: ok\n[12.03.24, 18:08:11] Anna: \u200eimage omitted\n"
    )
    assert rows(found) == [("Anna", None, "hi"), ("+49 170 1234567", None, "ok")]
    assert found.notes == (TIMES, "4 lines of the messenger itself left out (line 1, line 2, line 4, line 6).")


def test_a_date_in_speech_makes_no_chat(read):
    found = read("Ann: It was on 12.03.2024, 18:05 or so\nBen: Today at 6:05 PM\nAnn: Oh.\n")
    assert [(speaker, text) for speaker, _, text in rows(found)][0::2] == [
        ("Ann", "It was on 12.03.2024, 18:05 or so"),
        ("Ann", "Oh."),
    ]
