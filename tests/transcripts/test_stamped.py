"""Lines with times in any usual form."""

import pytest

WANTED = [("Mira", 3, 9, "Hello."), ("Tom B", 9, None, "At 10:30: yes.")]


def rows(transcript):
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in transcript.cues]


@pytest.mark.parametrize(
    "form",
    ["[00:00:0{0}] {1}: {2}", "(00:0{0}) {1}: {2}", "00:00:0{0} {1}: {2}", "0:0{0} - {1}: {2}", "{1} [00:0{0}]: {2}",
     "{1} (00:00:0{0}) {2}", "{1}: [0:0{0}] {2}", "[0:00:0{0}.0] {1}：{2}", "<00:00:0{0}> {1}: {2}", "{1} 0:0{0}: {2}",
     "**{1}:** [00:00:0{0}] {2}", "**[00:0{0}] {1}:** {2}"],
)  # fmt: skip
def test_names_with_times_are_read_in_any_usual_form(read, form):
    found = read(form.format(3, "Mira", "Hello.") + "\n\n" + form.format(9, "Tom B", "At 10:30: yes.") + "\n")
    assert rows(found) == WANTED
    assert (found.notes, found.format) == ((), "lines with times")


@pytest.mark.parametrize(
    ("form", "frames", "rate"),
    [("[00:00:0{0}:{1}] Mira: {2}", 12, 25), ("00:00:0{0};{1} Mira: {2}", 24, 25),
     ("Mira [00:00:0{0}:{1}] {2}", 27, 30), ("00:00:0{0}:{1} - 00:00:09:00\nMira\n{2}\n", 58, 60)],
)  # fmt: skip
def test_frames_of_timecodes_are_parts_of_a_second(read, form, frames, rate):
    found = read(form.format(3, frames, "Hello.") + "\n" + form.format(5, "00", "Bye.") + "\n")
    assert [cue.start for cue in found.cues] == [pytest.approx(3 + frames / rate, abs=1e-3), 5]
    assert f"Times are timecodes whose last part counts frames; taken as {rate} a second." in found.notes


@pytest.mark.parametrize("form", ["{} [00:07] we go", "{} [ 00:00:07.5 ] we go", "{} [0:07] we [0:08] go"])
def test_times_among_words_are_no_words(read, form):
    found = read(f"[00:01] Ann: {form.format('At')}\n[00:09] Ben: At 10:30.\n")
    assert [cue.text for cue in found.cues] == ["At we go", "At 10:30."]
    assert "1 utterances have times among their words; the words are kept." in found.notes


def test_printed_turns_of_diarization_are_no_words(read):
    for track in ("A ", ""):
        found = read(
            f"[ 00:00:00.031 -->  00:00:02.157] {track}SPEAKER_00\n"
            f"[ 00:00:03.000 -->  00:00:04.500] {track}SPEAKER_01\n"
        )
        assert rows(found) == [("SPEAKER_00", 0.031, 2.157, None), ("SPEAKER_01", 3.0, 4.5, None)]
        assert "turns without words" in found.notes[0]


@pytest.mark.parametrize(
    "footer",
    ["Transcription ended after 00:06:10", "Sonix is the best automated transcription service in 2024.",
     "Recording ended after 1:02"],
)  # fmt: skip
def test_what_a_program_says_at_the_end_is_no_speech(read, footer):
    found = read(f"[00:01] Ann: Hi.\n[00:09] Ben: Ho.\n\n{footer}\n")
    assert [cue.text for cue in found.cues] == ["Hi.", "Ho."] and "left out (line 4)" in found.notes[0]


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
        # Tom speaks before 60, and nobody knows when he begins.
        ("Mira", 0, None, "One and two."),
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


def test_four_numbers_that_somebody_says_are_words_and_no_timecode(read):
    found = read("[00:00:03] Ann: The code is 10:20:30:40.\n[00:00:05] Ben: I see. 01:02:03:04 it is.\n")
    assert [(cue.speaker, cue.text) for cue in found.cues] == [
        ("Ann", "The code is 10:20:30:40."), ("Ben", "I see. 01:02:03:04 it is.")
    ]  # fmt: skip
    assert not any("frames" in note for note in found.notes)
