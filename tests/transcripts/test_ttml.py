from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import UNKNOWN_SPEAKER, read_transcript
from crossspace.transcripts.formats.ttml import parse_ttml

AGENTS = (
    '<head><metadata><ttm:agent xml:id="a"><ttm:name type="full">Ann  Lee</ttm:name></ttm:agent>'
    '<ttm:agent xml:id="b"/></metadata><styling><style xml:id="s"/></styling></head>'
)


def tt(body: str, head: str = "", **attributes: str) -> str:
    rates = "".join(f' ttp:{key}="{value}"' for key, value in attributes.items())
    return (
        f'<?xml version="1.0"?>\n<!-- <html> -->\n<tt xmlns="http://www.w3.org/ns/ttml"{rates} xml:lang="en">{head}\n'
        f"<body><div>{body}</div></body></tt>\n"
    )


def rows(text: str) -> list[tuple]:
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in parse_ttml(text, "a.ttml").cues]


@pytest.mark.parametrize("name", ["talk.ttml", "talk.dfxp", "talk.xml", "talk.txt"])
def test_a_caption_is_a_paragraph_with_its_spans(tmp_path: Path, name: str) -> None:
    body = (
        '<p begin="00:00:00.500" end="00:00:02.000">Ann: Hello,<br/>I <span tts:color="red">am <span>so</span></span>\n'
        ' happy &amp; well.</p>\n<p begin="2.1s" dur="1900ms">Ben: Thanks.</p>'
    )
    (tmp_path / name).write_text(tt(body), encoding="utf-8")
    found = read_transcript(tmp_path / name)
    assert [(cue.speaker, cue.start, cue.end, cue.text) for cue in found.cues] == [
        ("Ann", 0.5, 2.0, "Hello, I am so happy & well."),
        ("Ben", 2.1, 4.0, "Thanks."),
    ]


def test_agents_are_speakers_also_of_parts_and_of_what_is_inside() -> None:
    body = (
        '<p begin="1s" end="2s" ttm:agent="a">Hi: you.<metadata><ttm:desc>no</ttm:desc></metadata></p>'
        '<p begin="3s" end="4s"><span ttm:agent="b">No.</span> <span ttm:agent="a">Yes.</span></p>'
        '<p begin="5s" end="6s">Cy: Ho.</p>'
    )
    assert rows(tt(body, AGENTS)) == [
        ("Ann Lee", 1, 2, "Hi: you."),
        ("b", 3, 4, "No."),
        ("Ann Lee", 3, 4, "Yes."),
        ("Cy", 5, 6, "Ho."),
    ]


@pytest.mark.parametrize(
    ("written", "attributes", "seconds"),
    [
        ("01:02:03", {}, 3723.0),
        ("00:00:01:12", {"frameRate": "24"}, 1.5),
        ("00:00:01:15", {}, 1.5),
        ("1.5h", {}, 5400.0),
        ("90m", {}, 5400.0),
        ("48f", {"frameRate": "24"}, 2.0),
        ("30f", {"frameRate": "30", "frameRateMultiplier": "1000 1001"}, 1.001),
        ("15000000t", {"tickRate": "10000000"}, 1.5),
        ("3t", {}, 3.0),
        ("01:00:00:00", {"frameRate": "30", "frameRateMultiplier": "1000 1001", "timeBase": "smpte"}, 3603.6),
        ("01:00:00:00", {"frameRate": "30", "frameRateMultiplier": "1000 1001"}, 3600.0),
    ],
)
def test_times_are_those_of_the_clock_that_the_file_describes(written, attributes, seconds) -> None:
    found = rows(tt(f'<p begin="{written}" end="9999h">Hi.</p>', **attributes))
    assert found[0][1] == pytest.approx(seconds, abs=1e-6)


def test_times_inside_count_from_the_element_around() -> None:
    assert rows(tt("").replace("<div>", '<div begin="10s"><p begin="1s" end="2s">Hi.</p><p dur="3s">Ho.</p>')) == [
        (UNKNOWN_SPEAKER, 10, 13, "Ho."),
        (UNKNOWN_SPEAKER, 11, 12, "Hi."),
    ]


def test_a_paragraph_whose_words_have_the_times_lasts_from_the_first_to_the_last() -> None:
    body = '<p><span begin="1s" end="1.5s">Hi </span><span begin="1.5s" end="2s">there.</span></p>'
    assert rows(tt(body)) == [(UNKNOWN_SPEAKER, 1, 2, "Hi there.")]


def test_times_that_cannot_be_read_or_run_backwards_are_told_and_the_words_kept() -> None:
    found = parse_ttml(tt('<p begin="soon" end="2s">Hi.</p><p begin="4s" end="3s">Ho.</p>'), "a")
    assert [(cue.start, cue.text) for cue in found.cues] == [(None, "Hi."), (None, "Ho.")]
    assert "begin 'soon' of caption 1" in found.notes[0] and "impossible" in found.notes[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (tt('<p begin="1s">Hi.</p>', timeBase="clock"), "timeBase='clock'"),
        (tt('<p begin="1s">Hi.</p>', frameRate="0"), "rates above 0"),
        (tt('<p timeContainer="seq"><span dur="1s">Hi.</span></p>'), "timeContainer"),
        (tt("<p>" + "<span>" * 200), "100 deep"),
        (tt('<p begin="1s">&a;</p>').replace("<!-- <html> -->", '<!DOCTYPE tt [<!ENTITY a "b">]>'), "document type"),
        (tt("<p/>"), "should hold utterances"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_ttml(text, "a.ttml")
