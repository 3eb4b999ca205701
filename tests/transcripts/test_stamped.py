"""Lines with times in any usual form."""

import pytest

WANTED = [("Mira", 3, 9, "Hello."), ("Tom B", 9, None, "At 10:30: yes.")]


def rows(transcript):
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in transcript.cues]


@pytest.mark.parametrize(
    "form",
    ["[00:00:0{0}] {1}: {2}", "(00:0{0}) {1}: {2}", "00:00:0{0} {1}: {2}", "0:0{0} - {1}: {2}", "{1} [00:0{0}]: {2}",
     "{1} (00:00:0{0}) {2}", "{1}: [0:0{0}] {2}", "[0:00:0{0}.0] {1}：{2}", "<00:00:0{0}> {1}: {2}", "{1} 0:0{0}: {2}",
     "[00:00:0{0}:12] {1}: {2}", "00:00:0{0};24 {1}: {2}"],
)  # fmt: skip
def test_names_with_times_are_read_in_any_usual_form(read, form):
    found = read(form.format(3, "Mira", "Hello.") + "\n\n" + form.format(9, "Tom B", "At 10:30: yes.") + "\n")
    assert rows(found) == WANTED
    assert (found.notes, found.format) == ((), "lines with times")


@pytest.mark.parametrize(
    "form",
    ["[00:0{0}.500 --> 00:0{1}.250]  {2}", "[0{0}:00:0{0}.5 --> 0{0}:00:0{1}.25] {2}", "[{0}.50s -> {1}.25s] {2}",
     "({0}.5 - {1}.25) {2}", "00:0{0},500 - 00:0{1},250: {2}", "[00:0{0}.5 → 00:0{1}.25] {2}"],
)  # fmt: skip
def test_lines_with_two_times_say_when_they_end(read, form):
    found = read(form.format(0, 2, "Hello there.") + "\n" + form.format(0, 4, "Thanks.") + "\n")
    assert rows(found) == [("speaker", 0.5, 2.25, "Hello there."), ("speaker", 0.5, 4.25, "Thanks.")]


def test_lines_below_go_on_and_who_is_named_inside_has_no_time(read):
    found = read("Interview\n[00:00:00] Mira: One\nand two.\nTom: Three.\n[00:01:00] Mira: Four.\n[00:02:00] Five.\n")
    assert rows(found) == [
        ("Mira", 0, 60, "One and two."),
        ("Tom", None, None, "Three."),
        ("Mira", 60, 120, "Four."),
        ("Mira", 120, None, "Five."),
    ]
    assert found.notes == (
        "1 lines stand before the first time; left out (line 1).",
        "1 of 4 utterances have no name; taken as said by the speaker above.",
    )


def test_arrows_and_sounds_between_names_are_nobodys(read):
    found = read("[0:01] >> ANN: Hi.\n[0:02] >> Who is it?\n[0:03] [Music]\n[0:04] >> BEN: Me.\n")
    assert rows(found) == [("ANN", 1, 2, "Hi."), ("speaker", 2, 3, "Who is it?"), ("BEN", 4, None, "Me.")]
    found = read("[0:01] Ann: Hi.\n[0:02] [Music]\n[0:03] Ben: Ho.\n")
    assert [(cue.speaker, cue.text) for cue in found.sounds] == [("speaker", "[Music]")]
    assert len(found.notes) == 1


@pytest.mark.parametrize(
    "text",
    ["Ann: see you at 10:30\nBen: at (11:00)?\n", "10:30 is too late.\nCome at nine.\nOr ten.\n", "We won 3:2\nagain\n",
     "at 11:00 we go\n10:30 you go\n9:00 they go\n"],
)  # fmt: skip
def test_times_that_are_spoken_of_are_speech(read, text):
    found = read(text)
    assert all(cue.start is None for cue in found.cues)
    assert (
        " ".join(cue.text for cue in found.cues)
        == text.replace("Ann: ", "").replace("Ben: ", "").replace("\n", " ").strip()
    )
