import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossspace.errors import DataError
from crossspace.transcripts import Cue, Transcript, parse_text, within
from crossspace.transcripts.formats.headed import HEADED
from crossspace.transcripts.formats.iemocap import IEMOCAP
from crossspace.transcripts.formats.lines import LINES
from crossspace.transcripts.formats.messages import MESSAGES
from crossspace.transcripts.formats.screenplay import SCREENPLAY
from crossspace.transcripts.formats.srt import SRT, parse_srt
from crossspace.transcripts.formats.stamped import STAMPED
from crossspace.transcripts.formats.vtt import VTT, parse_vtt
from crossspace.transcripts.sounds import apart
from crossspace.transcripts.tidy import is_seen

WRITTEN = [VTT, SRT, HEADED, STAMPED, MESSAGES, SCREENPLAY, IEMOCAP, LINES]
PIECES = [
    *("A", "ann", " ", "  ", "\n", "\n\n", ":", "\uff1a", "[", "]", "(", ")", "*", "-", ">>", "-->", ".", "\u266a"),
    *("0:03", "[0:04]", "00:05.000 --> 00:06.000\n", "12.03.24, 18:05 - ", "6:05 PM", "INT. ", "SPEAKER_1", "\u200e"),
    *("Ses01F_i_F000 [1.0-2.0]:", "Ses01F_i_FXX0 [1.0-2.0]:", "<v A>", "\u674e", "\u200b"),
]


def test_utterances_beyond_the_end_are_left_out_and_those_over_it_cut():
    cues = (
        Cue("a", start=0, end=5),
        Cue("b", start=8, end=12),
        Cue("c", start=9),
        Cue("d", start=10, end=11),
        Cue("e"),
    )
    found = within(Transcript(cues, ("before",)), 10.0)
    assert [(cue.text, cue.start, cue.end) for cue in found.cues] == [
        ("a", 0, 5),
        ("b", 8, 10),
        ("c", 9, 10),
        ("e", None, None),
    ]
    assert found.notes == (
        "before",
        "1 of 5 utterances begin after the end of the recording (10.0 s); left out.",
        "1 of 5 utterances run over the end of the recording (10.0 s); cut there.",
    )


def test_sounds_after_the_end_are_left_out_as_well():
    sounds = (Cue("[Music]", start=1, end=2), Cue("[Music]", start=11, end=12))
    assert within(Transcript((Cue("a", start=0, end=5),), sounds=sounds), 10.0).sounds == sounds[:1]


def test_a_transcript_that_fits_is_left_alone():
    transcript = Transcript((Cue("a", start=0, end=10),))
    assert within(transcript, 10.0) == transcript


@given(
    st.text(alphabet="-><v A:.,0123456789\n&;/{}\\", max_size=200), st.sampled_from([parse_vtt, parse_srt, parse_text])
)
def test_no_text_whatever_brings_a_reader_down(text, parse):
    try:
        found = parse(text, "a")
    except DataError:
        return
    assert all(cue.text for cue in found.cues)
    starts = [cue.start for cue in found.cues if cue.start is not None]
    assert starts == sorted(starts)


@pytest.mark.parametrize("unseen", ["\u200b", "\u200e", "\ufeff", "\u2060", "\u00ad", "\u200d", "\u0007"])
def test_what_nobody_sees_is_no_text_and_no_name(unseen):
    found = parse_text(f"A: hello\nB: {unseen}\n{unseen}A{unseen}: {unseen}again{unseen}", "a")
    assert [cue.speaker for cue in found.cues] == ["A", "A"]
    assert all(cue.text.strip(unseen) in ("hello", "again") for cue in found.cues)
    assert "1 of 3 entries have no text; left out (line 2)." in found.notes


def test_a_mark_alone_is_refused():
    with pytest.raises(DataError, match="none with a text"):
        parse_text("\u200e", "a")


def test_signs_that_are_seen_are_a_text():
    assert [cue.text for cue in parse_text("A: ...\nB: \U0001f600\nA: \u200d?", "a").cues] == [
        "...",
        "\U0001f600",
        "\u200d?",
    ]


@example("\u200e", LINES)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from(WRITTEN))
def test_every_format_reads_or_refuses_whatever_is_written(text, kind):
    assert kind.sign(text) in (True, False)
    try:
        found = apart(kind.parse(text, "a"), kind.sounds, "a")
    except DataError:
        return
    assert found.cues and all(cue.text and is_seen(cue.text) and cue.speaker for cue in found.cues)
    assert len(found.cues) + len(found.sounds) <= (found.entries or 0)
