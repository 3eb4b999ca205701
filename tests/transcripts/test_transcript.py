from hypothesis import given
from hypothesis import strategies as st

from crossspace.errors import DataError
from crossspace.transcripts import Cue, Transcript, parse_text, within
from crossspace.transcripts.formats.srt import parse_srt
from crossspace.transcripts.formats.vtt import parse_vtt


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
