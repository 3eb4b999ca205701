from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import documents, read_transcript
from crossspace.transcripts.documents import document_text

W = 'xmlns:w="w" xmlns:mc="m"'


def packed(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return path


def docx(path: Path, body: str) -> Path:
    return packed(path, word__document_xml=f'<?xml version="1.0"?><w:document {W}><w:body>{body}</w:body></w:document>')


def odt(path: Path, body: str) -> Path:
    content = f'<office:body xmlns:office="o" xmlns:text="t" xmlns:table="u">{body}</office:body>'
    return packed(path, mimetype="application/vnd.oasis.opendocument.text", content_xml=content)


def said(text: str) -> str:
    return f"<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t>{text}</w:t></w:r></w:p>"


def lines(path: Path) -> list[str]:
    found = document_text(path, "a")
    assert found is not None
    return found[0].split("\n")


@pytest.mark.parametrize("name", ["talk.docx", "talk", "talk.txt"])
def test_paragraphs_of_a_word_document_are_lines_of_a_transcript(tmp_path: Path, name: str) -> None:
    found = read_transcript(docx(tmp_path / name, said("Ann: Hello &amp; hi.") + "<w:p/>" + said("Ben: Ja.")))
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("Ann", "Hello & hi."), ("Ben", "Ja.")]
    assert found.notes == (f"{name} is a document (Word); its paragraphs were read as lines.",)


def test_captions_in_a_document_keep_their_times(tmp_path: Path) -> None:
    body = "<w:p><w:r><w:t>00:00:01.000 --&gt; 00:00:02.500</w:t><w:br/><w:t>Ann: Hi.</w:t></w:r></w:p>"
    found = read_transcript(docx(tmp_path / "a.docx", body))
    assert [(cue.speaker, cue.start, cue.end, cue.text) for cue in found.cues] == [("Ann", 1, 2.5, "Hi.")]


def test_what_was_deleted_or_stands_twice_is_no_text(tmp_path: Path) -> None:
    body = (
        "<w:p><w:r><w:t>Ann: </w:t></w:r><w:del><w:r><w:t>no</w:t></w:r></w:del><w:r><w:instrText>PAGE</w:instrText>\n"
        "<w:t>yes</w:t><w:tab/><w:t>now</w:t></w:r><mc:AlternateContent><mc:Choice><w:p><w:r><w:t>box</w:t></w:r></w:p>"
        "</mc:Choice><mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent></w:p>"
    )
    assert lines(docx(tmp_path / "a.docx", body)) == ["box", "Ann: yes\tnow"]


def test_a_table_in_a_document_is_a_table(tmp_path: Path) -> None:
    rows = [("speaker", "start", "text"), ("Ann", "0:01", "Hi."), ("Ben", "0:02", "Ho.")]
    cells = ["".join(f"<w:tc>{said(cell)}</w:tc>" for cell in row) for row in rows]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"
    found = read_transcript(docx(tmp_path / "a.docx", table))
    assert [(cue.speaker, cue.start, cue.text) for cue in found.cues] == [("Ann", 1, "Hi."), ("Ben", 2, "Ho.")]


def test_a_table_inside_of_a_table_is_a_part_of_its_cell(tmp_path: Path) -> None:
    inner = f"<w:tbl><w:tr><w:tc>{said('b')}</w:tc><w:tc>{said('c')}</w:tc></w:tr></w:tbl>"
    body = f"<w:tbl><w:tr><w:tc>{said('a')}{inner}</w:tc><w:tc>{said('d')}</w:tc></w:tr></w:tbl>{said('e')}"
    assert lines(docx(tmp_path / "a.docx", body)) == ["a b c\td", "e"]


def test_an_opendocument_text_is_read_too(tmp_path: Path) -> None:
    body = (
        "<text:h>Talk</text:h><text:p>Ann: Hel<text:span>lo,<text:s/>you</text:span><text:line-break/>Ben:<text:tab/>"
        "Ja.<office:annotation><text:p>comment</text:p></office:annotation></text:p>"
    )
    assert lines(odt(tmp_path / "a.odt", body)) == ["Talk", "Ann: Hello, you", "Ben:\tJa."]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"xl__workbook_xml": "<a/>"}, "a spreadsheet. Save its sheet as CSV"),
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content_xml": "<a/>"}, "as CSV"),
        ({"ppt__presentation_xml": "<a/>"}, "slides"),
        ({"talk": "Ann: Hi."}, "a zip archive. Unpack it"),
        ({"word__document_xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}, "without a document type"),
        ({"word__document_xml": "<p>" * 1000}, "100 deep"),
        ({"word__document_xml": "Ann: Hi."}, "should be XML"),
        ({"word__document_xml": f"<w:p {W}/>"}, "should hold utterances"),
    ],
)
def test_what_is_packed_and_no_document_is_refused_as_what_it_is(tmp_path: Path, members: dict, words: str) -> None:
    with pytest.raises(DataError, match=rf"^a\.zip.*{words}"):
        read_transcript(packed(tmp_path / "a.zip", **members))


def test_a_document_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = docx(tmp_path / "a.docx", said("a" * 5_000_000))
    assert path.stat().st_size < 50_000
    monkeypatch.setattr(documents, "LARGEST_XML", 1_000_000)
    with pytest.raises(DataError, match=r"a\.docx should be at most 1 MB when it is unpacked"):
        read_transcript(path)


@pytest.mark.parametrize("size", [1, 30, 100, 200, -30, -1])
def test_a_damaged_document_is_refused(tmp_path: Path, size: int) -> None:
    path = docx(tmp_path / "a.docx", said("Ann: Hi."))
    path.write_bytes(path.read_bytes()[:size] if size > 4 or size < 0 else b"PK\x03\x04")
    with pytest.raises(DataError, match=r"a\.docx"):
        read_transcript(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_ways_of_packing_are_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w", method) as archive:
        archive.writestr("word/document.xml", "<p/>")
    with pytest.raises(DataError, match="packed in a way"):
        read_transcript(tmp_path / "a.docx")


def test_an_archive_of_very_many_files_is_refused_before_they_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04" + b"PK\x01\x02" * 10_001)
    with pytest.raises(DataError, match="more than 10,000 files"):
        read_transcript(tmp_path / "a.docx")
