"""A transcript is known by what stands in it; what no format recognises is refused, and never taken for speech."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript

OTHERS = {
    "a web page": "<!DOCTYPE html>\n<html><body><p>Ann: Hello.</p></body></html>",
    "an RTF document": r"{\rtf1\ansi Ann: Hello.\par Ben: Thanks.}",
    "XML that begins with <score-partwise>": '<?xml version="1.0"?>\n<score-partwise>Ann: Hello.</score-partwise>',
    "text that begins with '[section]'": "[section]\nname = Ann\nsaid = Hello.\n[other]\nname = Ben\n",
}


@pytest.mark.parametrize("seems", OTHERS)
@pytest.mark.parametrize("name", ["talk.txt", "talk", "talk.xyz"])
def test_what_no_format_recognises_is_refused_as_what_it_seems_to_be(tmp_path: Path, seems: str, name: str) -> None:
    (tmp_path / name).write_text(OTHERS[seems])
    with pytest.raises(DataError, match=rf"^{name} should be a transcript \(WebVTT, .*Found .*{re.escape(seems)}"):
        read_transcript(tmp_path / name)


@pytest.mark.parametrize(
    "text", ["class is over now", "from here on, import taxes fall", "I said < 3 words > yours", "ok <br> so"]
)
def test_a_few_plain_words_are_speech(tmp_path: Path, text: str) -> None:
    (tmp_path / "talk.txt").write_text(text)
    assert [cue.text for cue in read_transcript(tmp_path / "talk.txt").cues] == [text]


def test_a_tag_that_somebody_says_is_speech(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("ANN: I like <b>bold</b> words")
    assert [(cue.speaker, cue.text) for cue in read_transcript(tmp_path / "talk.txt").cues] == [
        ("ANN", "I like <b>bold</b> words")
    ]


PROGRAMS = {
    "captions in SCC": "Scenarist_SCC V1.0\n\n00:00:01:00\t9420 9420 94ae 94ae\n",
    "captions in STL": "$FontName = Arial\n00:00:01:00 , 00:00:02:00 , Hello\n",
    "captions in MPL2": "[10][20]Hello\n[30][40]Thanks\n",
    "segments in STM": "talk A Ann 0.00 1.20 <o,f0,male> hello there\ntalk A Ben 1.20 2.00 <o,f0,male> thanks\n",
    "words in CTM": "talk A 0.00 0.50 hello 0.98\ntalk A 0.50 0.30 there 0.90\n",
    "VobSub": "# VobSub index file, v7 (do not modify this line!)\ntimestamp: 00:00:01:101, filepos: 000000000\n",
    "a key or a certificate": "-----BEGIN CERTIFICATE-----\nMIIBszCCARyg\n-----END CERTIFICATE-----\n",
    "changes of a program": "--- a/talk.py\n+++ b/talk.py\n@@ -1 +1 @@\n-Ann: hello\n+Ann: hi\n",
    "contacts or dates": "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nEND:VCARD\n",
    "a list of media": "#EXTM3U\n#EXTINF:123,Ann - Hello\ntalk.mp3\n",
    "the trace of an error": 'Traceback (most recent call last):\n  File "talk.py", line 1\nValueError: no\n',
    "an e-mail": "From: ann@example.org\nTo: ben@example.org\nMessage-ID: <1@example.org>\n\nHello Ben\n",
    "a log": "2024-01-02 10:00:00,123 INFO server: started\n2024-01-02 10:00:01,123 INFO server: stopped\n",
}


@pytest.mark.parametrize("seems", PROGRAMS)
@pytest.mark.parametrize("name", ["talk.txt", "talk.xyz"])
def test_what_programs_write_is_named_and_never_taken_for_speech(tmp_path: Path, seems: str, name: str) -> None:
    (tmp_path / name).write_text(PROGRAMS[seems])
    with pytest.raises(DataError, match=rf"^{name} should be a transcript .*Found .*{re.escape(seems)}"):
        read_transcript(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "import os\n\ndef main():\n    return os.getcwd()\n",
        "for (int i = 0; i < 3; i++) {\n  say(i);\n}\n",
        "class Talk:\n    def say(self):\n        return 1\n",
    ],
)
def test_a_program_is_no_talk(tmp_path: Path, text: str) -> None:
    (tmp_path / "talk.txt").write_text(text)
    with pytest.raises(DataError):
        read_transcript(tmp_path / "talk.txt")


def test_control_codes_are_taken_out_of_words_and_names(tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_text('[{"speaker": "A\\u001b[31mnn", "text": "he\\u0007llo \\u009bthere"}]')
    (cue,) = read_transcript(tmp_path / "talk.json").cues
    assert (cue.speaker, cue.text) == ("A[31mnn", "hello there")


CUT = {
    "talk.srt": "1\n00:00:01,000 --> 00:00:02,000\nHello.\n\n7\n\n2\n00:00:03,000  00:00:05,000\nLost.\n",
    "talk.sbv": "0:00:01.000,0:00:02.000\nHello.\n\n0:00:3:000,0:00:05,00\nKept.\n",
    "talk.ass": "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,Hello.\nDialog: 1,2,No\n"
    "Dialogue: 0:00:03.00,0:00:04.00,{\\p1}m 0 0\n",
    "talk.ttml": '<tt><body><div>Lost.<p begin="1s" end="2s">Hello.<p begin="1s">In.</p> Still.</p></div></body></tt>',
    "talk.lrc": "[ti:x]\n[00:01.00]Hello.\nLost.\n",
    "talk.txt": "Ann\n00:00:01\nHello.\n\nBen\n00:00:02\n\nAnn\n00:00:03\nFine.\n\nBen\n00:00:04\nYes.\n\nAnn\n"
    "00:00:05\nGood.\n\nBen\n00:00:06\nSo.\n\nAnn\n00:00:07\nDone.\n",
}
SAID = {
    "talk.srt": (["Hello."], ["line 5", "line 7"]),
    "talk.sbv": (["Hello.", "Kept."], ["line 4"]),
    "talk.ass": (["Hello."], ["line 4", "line 5"]),
    "talk.ttml": (["Hello. Still.", "In."], ["'Lost.'"]),
    "talk.lrc": (["Hello."], ["line 3"]),
    "talk.txt": (["Hello.", "Fine.", "Yes.", "Good.", "So.", "Done."], ["line 6"]),
}


@pytest.mark.parametrize("name", CUT)
def test_what_is_not_read_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(CUT[name])
    texts, places = SAID[name]
    found = read_transcript(tmp_path / name)
    assert [cue.text for cue in found.cues] == texts
    for place in places:
        assert any(place in note for note in found.notes), (place, found.notes)


def test_an_lrc_file_of_nothing_but_a_title_holds_no_utterance(tmp_path: Path) -> None:
    (tmp_path / "a.lrc").write_text("[ti:x]\n")
    with pytest.raises(DataError, match="none with a text"):
        read_transcript(tmp_path / "a.lrc")


def test_tags_are_taken_out_and_what_stands_between_signs_is_said(tmp_path: Path) -> None:
    cue = "1\n00:00:01,000 --> 00:00:02,000\n"
    (tmp_path / "a.srt").write_text(
        f'{cue}<i>if</i> a <b and c> d <font color="#fff">is</font> <0:00:01.500>so<br/> <odd x="1">now'
    )
    assert [c.text for c in read_transcript(tmp_path / "a.srt").cues] == ["if a <b and c> d is so now"]
