import json

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import UNKNOWN_SPEAKER, read_transcript
from crossspace.transcripts import encoding as encodings

WANTED = [("ANNA", 0.5, 2.0, "Hello there."), ("Bob Ray", 2.5, 4.25, "Fine & well.")]

FILES = {
    "a.vtt": "WEBVTT\n\nNOTE\nnot said\n\nSTYLE\n::cue { color: red }\n\n"
    "1\n00:00.500 --> 00:02.000 align:start\nANNA: Hello\n<i>there</i>.\n\n"
    "00:00:02.500 --> 00:00:04.250\n<v.loud Bob Ray>Fine &amp; well.</v>\n",
    "a.srt": "1\n00:00:00,500 --> 00:00:02,000\nANNA: Hello\nthere.\n\n"
    "2\n00:00:02,500 --> 00:00:04,250\n{\\an8}Bob Ray : <b>Fine & well.</b>\n",
    "a.csv": 'Speaker,Start,End,Text\nANNA,0.5,2,Hello there.\nBob Ray,00:00:02.5,"00:00:04,250",Fine & well.\n',
    "a.tsv": "who\tbegin_time\tstop\tsentence\nANNA\t0.5\t2.0\tHello there.\nBob Ray\t2.5\t4.25\tFine & well.\n",
    "ms.csv": "speaker;start_ms;end_ms;utterance\nANNA;500;2000;Hello there.\nBob Ray;2500;4250;Fine & well.\n",
    "a.json": json.dumps([dict(zip(("speaker", "start", "end", "text"), row, strict=True)) for row in WANTED]),
    "whisper.json": json.dumps(
        {
            "text": "all",
            "segments": [dict(zip(("speaker", "start", "end", "text"), row, strict=True)) for row in WANTED],
        }
    ),
}


def rows(transcript):
    return [(cue.speaker, cue.start, cue.end, cue.text) for cue in transcript.cues]


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_transcript(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name], encoding="utf-8")
    found = read_transcript(path)
    assert rows(found) == WANTED
    assert found.notes == ()


@pytest.mark.parametrize(
    ("name", "kind"), [("a.vtt", "WebVTT"), ("a.srt", "SRT"), ("a.csv", "CSV or TSV"), ("a.json", "JSON")]
)
def test_a_transcript_says_which_format_its_file_has(tmp_path, name, kind):
    (tmp_path / "upload").write_text(FILES[name], encoding="utf-8")
    assert read_transcript(tmp_path / "upload").format == kind


@pytest.mark.parametrize("name", FILES)
def test_without_a_suffix_the_content_says_the_format(tmp_path, name):
    path = tmp_path / "upload"
    path.write_text(FILES[name], encoding="utf-8")
    assert rows(read_transcript(path)) == WANTED


@pytest.mark.parametrize("name", ["a.vtt", "a.srt", "a.csv", "a.json"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_byte_order_marks_and_line_ends_change_nothing(tmp_path, name, encoding):
    path = tmp_path / name
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path.write_bytes((mark + FILES[name].replace("\n", "\r\n")).encode(encoding))
    assert rows(read_transcript(path)) == WANTED


def test_text_that_is_not_utf8_is_read_as_windows_1252_and_says_so(tmp_path):
    path = tmp_path / "a.srt"
    path.write_bytes("1\n00:00:00,000 --> 00:00:01,000\nZOË: It’s déjà vu.\n".encode("cp1252"))
    found = read_transcript(path)
    assert rows(found) == [("ZOË", 0, 1, "It’s déjà vu.")]
    assert "Windows-1252" in found.notes[0]


@pytest.mark.parametrize("content", [b"\x00\x01\x02" * 50, b"\xff\xfeA", b"\x89PNG\r\n\x1a\n\x00\x00\x00"])
def test_what_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "a.vtt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.vtt"):
        read_transcript(path)


def test_files_that_cannot_be_transcripts_are_refused_by_name(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"none\.vtt should be a transcript. Found no such file"):
        read_transcript(tmp_path / "none.vtt")
    with pytest.raises(DataError, match="a folder"):
        read_transcript(tmp_path)
    monkeypatch.setattr(encodings, "LARGEST", 10)
    (tmp_path / "big.vtt").write_text("WEBVTT and more")
    with pytest.raises(DataError, match="at most"):
        read_transcript(tmp_path / "big.vtt")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.vtt", ""), ("a.vtt", "WEBVTT\n"), ("a.srt", "nothing here"), ("a.srt", "1\n00:00:00,000 --> 00:00:01,000\n\n"),
     ("a.csv", "text,speaker\n"), ("a.json", "[]"), ("a.txt", "  \n")],
)  # fmt: skip
def test_a_transcript_without_utterances_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="should hold utterances"):
        read_transcript(tmp_path / name)


def test_an_uploaded_file_is_called_by_the_given_name(tmp_path):
    (tmp_path / "tmp123").write_text("")
    with pytest.raises(DataError, match=r"^talk\.vtt should hold"):
        read_transcript(tmp_path / "tmp123", name="talk.vtt")


def test_speakers_that_are_not_named_are_unknown(tmp_path):
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello.\n")
    assert read_transcript(tmp_path / "a.srt").cues[0].speaker == UNKNOWN_SPEAKER


def test_bytes_of_windows_that_passed_for_control_codes_are_mended(tmp_path):
    (tmp_path / "a.csv").write_text("speaker,text\nAnn,you\x92re here\n", encoding="utf-8")
    assert read_transcript(tmp_path / "a.csv").cues[0].text == "you’re here"
