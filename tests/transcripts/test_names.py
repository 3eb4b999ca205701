"""A name is known by the evidence of a whole file; a colon inside of speech names nobody."""

import pytest

from crossspace.transcripts import UNKNOWN_SPEAKER, parse_text
from crossspace.transcripts.formats.srt import parse_srt
from crossspace.transcripts.formats.vtt import parse_vtt


def srt(texts):
    return "".join(f"{n}\n00:{n:02}:00,000 --> 00:{n:02}:01,000\n{text}\n\n" for n, text in enumerate(texts, start=1))


def said(*texts):
    speakers = [(cue.speaker, cue.text) for cue in parse_srt(srt(texts), "a.srt").cues]
    return [(None if speaker == UNKNOWN_SPEAKER else speaker, text) for speaker, text in speakers]


@pytest.mark.parametrize(
    "name",
    ["ada.king@uni.edu", "Lovelace, Ada (she/her)", "iPad (2)", "Anna van der Berg", "dr. ruth o'hara", "Note",
     "Maria del Carmen Lopez Garcia", "李雷", "Участник 1", "user_17", "2nd interviewer", "Q", "J. R. R. Tolkien"],
)  # fmt: skip
@pytest.mark.parametrize("colon", [": ", "：", ":"])
def test_what_stands_before_a_colon_in_every_cue_is_a_name(name, colon):
    assert said(f"{name}{colon}yes, at 10:30", f"ben{colon}I said: no") == [
        (name, "yes, at 10:30"),
        ("ben", "I said: no"),
    ]


@pytest.mark.parametrize("written", ["[SPEAKER_00]:", "SPEAKER_00:", "(SPEAKER_00):", "[SPEAKER_00]"])
def test_brackets_around_a_name_are_no_part_of_it(written):
    assert said(f"{written} Hello.", "[SPEAKER_01]: Hi.") == [("SPEAKER_00", "Hello."), ("SPEAKER_01", "Hi.")]


def test_what_returns_is_a_name_and_who_speaks_once_beside_it_as_well():
    assert said("ada king: One.", "Two.", "ada king: Three.", "Ben: Four.", "and more", "ada king: Five.") == [
        ("ada king", "One."),
        (None, "Two."),
        ("ada king", "Three."),
        ("Ben", "Four."),
        (None, "and more"),
        ("ada king", "Five."),
    ]


def test_of_two_cues_one_with_the_form_of_a_name_is_half_of_the_evidence():
    assert said("Hello.", "Ben: Thanks.") == [(None, "Hello."), ("Ben", "Thanks.")]
    assert said("Hello.", "the rest: never") == [(None, "Hello."), (None, "the rest: never")]


@pytest.mark.parametrize(
    "text",
    ["Wait: what?", "yes, at 10:30", "I said: no", "Note: bring shoes", "Breaking News: rain", "see https://a.b",
     "the rule is: never", "我说：不", "Dear Sir: hello"],
)  # fmt: skip
def test_where_only_single_cues_have_a_colon_nobody_is_named(text):
    assert said("Hello.", text, "Good.", "Fine.") == [(None, t) for t in ("Hello.", text, "Good.", "Fine.")]


def test_what_somebody_said_is_no_name_however_often_it_returns():
    texts = ("Ada: So.", "and I said: no", "Ben: Oh.", "and he said: yes", "and I said: never", "Ada: Right.")
    assert [speaker for speaker, _ in said(*texts)] == ["Ada", None, "Ben", None, None, "Ada"]


def test_capitals_name_a_speaker_once_and_a_manner_in_brackets_is_no_part_of_the_name():
    texts = ("BEN: I am back.", "Who is it?", "It is me.", "BEN (laughing): Me!", "Go: now.", "Yes.", "No.")
    assert said(*texts) == [
        ("BEN", "I am back."),
        (None, "Who is it?"),
        (None, "It is me."),
        ("BEN", "Me!"),
        (None, "Go: now."),
        (None, "Yes."),
        (None, "No."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&gt;&gt; Who is it?\n&gt;&gt; It's me.", [(None, "Who is it?"), (None, "It's me.")]),
        (">> BEN: I am back.\n>> Right.", [("BEN", "I am back."), (None, "Right.")]),
        (">> Ben: I am\nback. >> Mia: Right.", [("Ben", "I am back."), ("Mia", "Right.")]),
        ("about it. >> Yes. >>", [(None, "about it."), (None, "Yes.")]),
        (">>> News at ten.", [(None, "News at ten.")]),
    ],
)
def test_arrows_are_a_change_of_speaker(text, expected):
    others = "00:03.000 --> 00:04.000\nSo: good.\n\n00:05.000 --> 00:06.000\nFine.\n"
    found = parse_vtt(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n\n{others}", "a")
    assert [(None if c.speaker == UNKNOWN_SPEAKER else c.speaker, c.text) for c in found.cues][:-2] == expected
    assert found.cues[-2].text == "So: good."


def test_sounds_are_no_evidence_against_names():
    assert said("[Music]", "ada k: One.", "(door slams)", "ben o: Two.", "♪♪")[1::2] == [
        ("ada k", "One."),
        ("ben o", "Two."),
    ]


def test_a_typed_line_of_only_a_name_says_who_speaks_below():
    found = parse_text("Ada:\nHello.\n\nBen:\nThanks.\nBye.\n")
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("Ada", "Hello."), ("Ben", "Thanks."), ("Ben", "Bye.")]


def test_names_in_brackets_without_a_colon_are_told_from_sounds():
    assert said("[Ann] Hello.", "[Ben] Hi.", "[Ann] So.") == [("Ann", "Hello."), ("Ben", "Hi."), ("Ann", "So.")]
    assert said("[laughs] Hello.", "[laughs] Hi.") == [(None, "[laughs] Hello."), (None, "[laughs] Hi.")]


@pytest.mark.parametrize("form", ["**{}:** {}", "**{}**: {}", "*{}:* {}", "{}: {}", "{} : {}", "<{}>: {}"])
def test_marks_around_a_typed_name_are_no_part_of_it(form):
    found = parse_text(form.format("Ada", "I *am*.") + "\n" + form.format("ben", "So: yes.") + "\n")
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("Ada", "I *am*."), ("ben", "So: yes.")]


def test_in_a_file_in_which_every_cue_has_a_name_a_colon_further_down_names_nobody():
    assert said("ann: well\nthen: no", "ben: yes") == [("ann", "well then: no"), ("ben", "yes")]


def test_a_name_on_a_line_of_its_own_in_every_cue_is_who_speaks():
    assert said("Ada K\nHello.", "Ben\nI am so\nglad.", "Ada K\nSo: good.") == [
        ("Ada K", "Hello."),
        ("Ben", "I am so glad."),
        ("Ada K", "So: good."),
    ]
    assert said("Oh No\nwait", "Ben\nis here", "so I\nlike it")[0] == (None, "Oh No wait")


@pytest.mark.parametrize(
    ("first", "second"), [(">> Hi.", ">> BEN: Ho."), ("- Hi.", "- BEN: Ho."), (">> Hi.", "BEN: Ho.")]
)
def test_typed_arrows_and_dashes_are_a_change_of_speaker(first, second):
    found = parse_text(f"{first}\n{second}\nmore\n")
    assert [(cue.speaker, cue.text) for cue in found.cues] == [
        (UNKNOWN_SPEAKER, "Hi."),
        ("BEN", "Ho."),
        ("BEN", "more"),
    ]


def test_a_single_typed_dash_is_a_dash():
    assert [cue.text for cue in parse_text("Hi.\n- or so -\n").cues] == ["Hi.", "- or so -"]
