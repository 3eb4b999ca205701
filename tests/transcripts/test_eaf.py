from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript, xml_events
from crossspace.transcripts.formats.eaf import parse_eaf

SLOTS = {"t1": 500, "t2": 2000, "t3": 2100, "t4": 4000, "t5": None}
TYPES = '<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="codes" CONTROLLED_VOCABULARY_REF="v"/>'


def timed(own: str, first: str, second: str, text: str) -> str:
    at = f'TIME_SLOT_REF1="{first}" TIME_SLOT_REF2="{second}"'
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    return f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{own}" {at}>{value}</ALIGNABLE_ANNOTATION></ANNOTATION>'


def about(own: str, other: str, text: str) -> str:
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    at = f'ANNOTATION_ID="{own}" ANNOTATION_REF="{other}"'
    return f"<ANNOTATION><REF_ANNOTATION {at}>{value}</REF_ANNOTATION></ANNOTATION>"


def tier(name: str, *annotations: str, **attributes: str) -> str:
    given = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<TIER TIER_ID="{name}"{given}>{"".join(annotations)}</TIER>'


def eaf(*tiers: str, header: str = "") -> str:
    values = {key: "" if time is None else f' TIME_VALUE="{time}"' for key, time in SLOTS.items()}
    slots = "".join(f'<TIME_SLOT TIME_SLOT_ID="{key}"{value}/>' for key, value in values.items())
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT>{header}<TIME_ORDER>{slots}</TIME_ORDER>'
        f"{''.join(tiers)}{TYPES}</ANNOTATION_DOCUMENT>"
    )


def rows(text: str) -> list[tuple]:
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in parse_eaf(text, "a.eaf").cues]


def labels(text: str) -> list[str | None]:
    return [cue.label for cue in parse_eaf(text, "a.eaf").cues]


ANN = tier("K1", timed("a1", "t1", "t2", "Well,\n hello &amp; hi."), timed("a2", "t3", "t4", "Bye."), PARTICIPANT="Ann")


@pytest.mark.parametrize("name", ["talk.eaf", "talk.txt", "talk", "talk.xml"])
def test_an_annotation_is_known_by_its_root_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(eaf(ANN, tier("Ben", timed("a3", "t2", "t3", "Ja."))), encoding="utf-8")
    found = read_transcript(tmp_path / name)
    assert [(cue.speaker, cue.start, cue.end, cue.text) for cue in found.cues] == [
        ("Ann", 0.5, 2.0, "Well, hello & hi."),
        ("Ben", 2.0, 2.1, "Ja."),
        ("Ann", 2.1, 4.0, "Bye."),
    ]
    assert found.notes == ()


def test_translations_and_closed_lists_are_named_and_no_speech() -> None:
    gloss = tier("en", about("b1", "a1", "never said"), PARENT_REF="K1", PARTICIPANT="Ann")
    gaze = tier("gaze", timed("c1", "t1", "t4", "left"), LINGUISTIC_TYPE_REF="codes")
    found = parse_eaf(eaf(ANN, gloss, gaze), "a.eaf")
    assert [cue.text for cue in found.cues] == ["Well, hello & hi.", "Bye."]
    assert found.notes == ("2 tiers were not read as speech: 'en' (describes 'K1'), 'gaze' (values of a closed list).",)


def test_where_a_tier_only_numbers_utterances_the_words_stand_below_it() -> None:
    numbers = tier("ref@Ann", timed("a1", "t1", "t2", "kk.001"), timed("a2", "t3", "t4", "kk.002"))
    words = tier("tx@Ann", about("b1", "a1", "Hello."), about("b2", "a2", "Bye."), PARENT_REF="ref@Ann")
    english = tier("ft@Ann", about("c1", "b1", "never said"), PARENT_REF="tx@Ann")
    assert rows(eaf(numbers, words, english)) == [("Ann", 0.5, 2.0, "Hello."), ("Ann", 2.1, 4.0, "Bye.")]


@pytest.mark.parametrize(
    "emotions",
    [
        tier("emotion", about("e1", "a1", "joy"), PARENT_REF="K1"),
        tier("Affect", timed("e1", "t1", "t2", "joy"), PARTICIPANT="Ann"),
        tier("Ann_Emoción", timed("e1", "t1", "t3", "joy")),
        tier("x", timed("e1", "t1", "t3", "joy"), LINGUISTIC_TYPE_REF="Emotionen"),
    ],
)
def test_a_tier_of_emotions_whose_owner_is_clear_gives_labels(emotions: str) -> None:
    found = parse_eaf(eaf(ANN, tier("Ben", timed("b1", "t2", "t3", "Ja.")), emotions), "a.eaf")
    # Ben's is one of several speakers, and only the tier without an owner could be his.
    if "Emotionen" in emotions:
        assert [cue.label for cue in found.cues] == [None] * 3 and "does not say whose" in found.notes[0]
    else:
        assert [cue.label for cue in found.cues] == ["joy", None, None]
        assert "(1 of 2 utterances have one)" in found.notes[0]


def test_emotions_of_two_raters_are_not_chosen_between() -> None:
    raters = [tier(f"emotion {n}", timed(f"e{n}", "t1", "t2", word)) for n, word in ((1, "joy"), (2, "anger"))]
    found = parse_eaf(eaf(ANN, *raters), "a.eaf")
    assert [cue.label for cue in found.cues] == [None, None]
    assert all("are of the same speech" in note for note in found.notes) and len(found.notes) == 2


def test_an_emotion_that_covers_half_of_an_utterance_is_not_its_label() -> None:
    assert labels(eaf(ANN, tier("emotion", timed("e1", "t2", "t3", "joy")))) == [None, None]


@pytest.mark.parametrize(("first", "second"), [("t5", "t2"), ("t1", "t5"), ("none", "t2"), ("t4", "t1")])
def test_times_that_lack_or_run_backwards_are_noted_and_the_words_kept(first: str, second: str) -> None:
    found = parse_eaf(eaf(tier("Ann", timed("a1", first, second, "Hello."))), "a.eaf")
    assert [(cue.text, cue.end) for cue in found.cues] == [("Hello.", None)]
    assert len(found.notes) == 1


def test_annotations_that_describe_each_other_in_a_circle_have_no_times() -> None:
    circle = tier("emotion", about("e1", "e2", "joy"), about("e2", "e1", "joy"), PARENT_REF="K1")
    assert labels(eaf(ANN, circle)) == [None, None]


def test_a_shifted_recording_is_told() -> None:
    header = '<HEADER><MEDIA_DESCRIPTOR TIME_ORIGIN="1500"/></HEADER>'
    assert "shifted by 1.5 s" in parse_eaf(eaf(ANN, header=header), "a.eaf").notes[0]


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"<?xml version='1.0'?>{BOMB}<ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>", "without a document type"),
        (
            eaf(ANN).replace("<ANNOTATION_DOCUMENT>", '<!DOCTYPE a SYSTEM "file:///etc/passwd"><ANNOTATION_DOCUMENT>'),
            "DOCTYPE",
        ),
        ("<ANNOTATION_DOCUMENT>" + "<a>" * 200_000, "100 deep"),
        ("<ANNOTATION_DOCUMENT>" + "<a " + "b" * 2_000_000, "longer one"),
        (eaf(ANN)[:-30], "whole"),
        (eaf(ANN).replace("&amp;", "&nbsp;"), "undefined entity"),
        (eaf(ANN, header='<HEADER TIME_UNITS="PAL-frames"/>'), "PAL-frames"),
        (eaf(tier("gaze", timed("a", "t1", "t2", "left"), LINGUISTIC_TYPE_REF="codes")), "a tier with what was said"),
        (eaf(*(tier(f"t{n}", timed("a", "t1", "t2", "x")) for n in range(1001))), "1,000 tiers"),
        (eaf(), "should hold utterances"),
    ],
)
def test_hostile_and_broken_files_are_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.eaf").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"a\.eaf.*{words}"):
        read_transcript(tmp_path / "a.eaf")


def test_elements_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_events, "MOST_VALUES", 1000)
    with pytest.raises(DataError, match=r"a\.eaf should have at most 1,000 elements"):
        parse_eaf("<ANNOTATION_DOCUMENT>" + "<a/>" * 1000 + "</ANNOTATION_DOCUMENT>", "a.eaf")


def test_a_participant_s_codes_are_no_speech_but_short_answers_of_another_are() -> None:
    nods = tier("nods", *(timed(f"n{i}", "t1", "t2", "nod") for i in range(6)), PARTICIPANT="Ann")
    answers = tier("Ben", *(timed(f"m{i}", "t1", "t2", "mm") for i in range(6)))
    found = parse_eaf(eaf(ANN, nods, answers), "a.eaf")
    assert [cue.speaker for cue in found.cues].count("Ben") == 6 and len(found.cues) == 8
    assert "'nods' (values that repeat from few)" in found.notes[0]
