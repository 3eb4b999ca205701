from __future__ import annotations

import csv
import io
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pyarrow
import pympi
import pytest
from matplotlib.text import Text
from praatio import textgrid
from pyarrow import parquet

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.exports import render, to_csv, to_json
from crossspace.analysis.exports.summary import summary_figure
from crossspace.analysis.exports.timed import to_srt, to_vtt
from crossspace.errors import DataError, UsageError
from crossspace.transcripts import read_transcript
from crossspace.transcripts.writers.timed import lanes, milliseconds


def said(name: str, speaker: str, text: str | None, start: float | None, joy: float) -> UtteranceAnalysis:
    probabilities = {"joy": joy, "anger": 1 - joy}
    label = max(probabilities, key=lambda k: probabilities[k])
    end = None if start is None else start + 1
    return UtteranceAnalysis(
        name,
        speaker,
        start,
        end,
        text,
        label,
        probabilities[label],
        probabilities,
        {"text": probabilities},
        {"text": 0.1},
    )


def written(analysis: Analysis, path: str, labels: bool = False) -> str:
    return render(analysis, path, labels).decode()


@pytest.fixture
def analysis() -> Analysis:
    return Analysis(
        "talk",
        ("joy", "anger"),
        {"name": "m", "kind": "css", "modalities": ["text"], "causal": False, "in_the_box": True},
        None,
        (said("a", "Ann", "Fine <3 & more", 3599.9996, 0.75), said("b", "Bob", "=1+1", None, 0.25)),
        ("A note.",),
    )


def test_json_holds_everything(analysis: Analysis) -> None:
    found = json.loads(to_json(analysis))
    assert found == json.loads(json.dumps(analysis.to_dict()))
    assert found["arcs"]["Ann"] == {"utterances": 1, "seconds": 1.0, "shares": {"joy": 0.75, "anger": 0.25}}
    assert found["arcs"]["Bob"]["seconds"] is None


def test_csv_has_a_row_per_utterance_and_no_formula(analysis: Analysis) -> None:
    first, second = csv.DictReader(io.StringIO(to_csv(analysis)))
    assert (first["label"], float(first["p_joy"]), first["text_alone"]) == ("joy", 0.75, "joy")
    assert second["text"] == "'=1+1" and second["start"] == ""


def test_csv_has_no_formula_behind_a_code_that_is_left_out(analysis: Analysis) -> None:
    hidden = replace(analysis, utterances=(replace(analysis.utterances[0], text="\x00=1+1"),))
    (row,) = csv.DictReader(io.StringIO(render(hidden, "a.csv").decode()))
    assert row["text"] == "'=1+1"


def test_webvtt_carries_the_emotion_as_class_and_escapes_what_was_said(analysis: Analysis) -> None:
    text = to_vtt(analysis)
    assert text.startswith("WEBVTT\n\n01:00:00.000 --> 01:00:01.000\n")
    assert "<v Ann><c.joy>Fine &lt;3 &amp; more</c></v>" in text
    assert "Bob" not in text


def test_webvtt_without_any_time_is_refused(analysis: Analysis) -> None:
    untimed = replace(analysis, utterances=analysis.utterances[1:])
    with pytest.raises(DataError, match="needs times"):
        to_vtt(untimed)


@pytest.mark.parametrize(
    ("start", "end"),
    [(-3.0, 2.0), (5.0, 2.0), (1.0, 1.0), (1.0, 1.0001), (1.0, 1e308), (1e308, 1.5e308), (float("nan"), 2.0)],
)
def test_webvtt_leaves_out_what_makes_no_valid_cue(analysis: Analysis, start: float, end: float) -> None:
    fine, other = analysis.utterances
    odd = replace(other, start=start, end=end)
    assert to_vtt(replace(analysis, utterances=(fine, odd))) == to_vtt(analysis)
    with pytest.raises(DataError, match="needs times"):
        to_vtt(replace(analysis, utterances=(odd,)))


def test_a_format_that_is_not_there_is_named(analysis: Analysis) -> None:
    with pytest.raises(UsageError, match=r"\.docx"):
        render(analysis, "talk.docx")


@pytest.fixture
def talk(analysis: Analysis) -> Analysis:
    """Two speakers; Ann says something while she is still speaking."""
    rows = [
        ("Ann", 'So "late"', 0.5, 2.0),
        ("Bob Ray", "No & yes <3", 1.5, 3.0),
        ("Ann", "Well", 1.75, 2.5),
        ("Ann", None, 3, 4),
    ]
    utterances = tuple(
        replace(said(f"u{k}", speaker, text, start, 0.25 + 0.2 * k), end=end)
        for k, (speaker, text, start, end) in enumerate(rows)
    )
    media = {"name": "talk.wav", "duration": 5.0, "audio": True, "video": False}
    return replace(analysis, utterances=utterances, media=media)


def test_a_frame_has_a_row_per_utterance_with_numbers_as_numbers(talk: Analysis) -> None:
    frame = talk.to_frame()
    assert list(frame.index) == ["u0", "u1", "u2", "u3"]
    assert list(frame.columns) == [name for name in to_csv(talk).split("\n")[0].split(",") if name != "utterance_id"]
    assert frame.loc["u1", "end"] - frame.loc["u1", "start"] == 1.5
    assert frame["p_joy"].tolist() == pytest.approx([0.25, 0.45, 0.65, 0.85]) and frame["text"].isna().tolist()[3]


def test_srt_names_the_speaker_and_shows_emotions_on_request(talk: Analysis) -> None:
    assert to_srt(talk).startswith('1\n00:00:00,500 --> 00:00:02,000\nAnn: So "late"\n\n2\n')
    assert "Ann: (no transcript)\n" in to_srt(talk)
    assert "\nBob Ray: No & yes <3 [anger 55 %]\n" in to_srt(talk, labels=True)
    assert "<v Bob Ray><c.anger>No &amp; yes &lt;3 [anger 55 %]</c></v>" in written(talk, "a.vtt", labels=True)


def test_no_tier_holds_two_utterances_at_once_and_none_is_lost(talk: Analysis) -> None:
    found = lanes(talk.utterances)
    assert {name: [u.id for u in own] for name, own in found.items()} == {
        "Ann": ["u0", "u3"], "Ann (2)": ["u2"], "Bob Ray": ["u1"]
    }  # fmt: skip
    for own in found.values():
        assert all(milliseconds(a)[1] <= milliseconds(b)[0] for a, b in itertools.pairwise(own))


def test_elan_has_words_emotions_and_confidence_of_every_speaker(talk: Analysis) -> None:
    root = ElementTree.fromstring(written(talk, "a.EAF"))
    times = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    words, of = {}, {}
    for tier in root.iter("TIER"):
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            start, end = (times[one.get(f"TIME_SLOT_REF{k}")] for k in (1, 2))
            words[one.get("ANNOTATION_ID")] = (tier.get("PARTICIPANT"), start, end, one[0].text or "")
        for one in tier.iter("REF_ANNOTATION"):
            assert tier.get("TIER_ID") == f"{tier.get('LINGUISTIC_TYPE_REF')}@{tier.get('PARENT_REF')}"
            of.setdefault(one.get("ANNOTATION_REF"), {})[tier.get("LINGUISTIC_TYPE_REF")] = one[0].text
    assert sorted(words.values(), key=lambda row: row[1:]) == [
        ("Ann", 500, 2000, 'So "late"'), ("Bob Ray", 1500, 3000, "No & yes <3"), ("Ann", 1750, 2500, "Well"),
        ("Ann", 3000, 4000, ""),
    ]  # fmt: skip
    assert {words[key]: value for key, value in of.items()}[("Bob Ray", 1500, 3000, "No & yes <3")] == {
        "predicted emotion": "anger", "predicted confidence": "0.550"
    }  # fmt: skip
    assert root.find("HEADER/MEDIA_DESCRIPTOR").get("RELATIVE_MEDIA_URL") == "./talk.wav"


def test_elan_leaves_out_what_no_xml_can_hold(talk: Analysis) -> None:
    odd = replace(talk.utterances[0], text="a\x00b\ud800c\x1b", speaker="\x07")
    root = ElementTree.fromstring(written(replace(talk, utterances=(odd,)), "a.eaf").encode())
    assert next(v.text for v in root.iter("ANNOTATION_VALUE")) == "a\ufffdb?c\ufffd"


def test_praat_has_no_gaps_and_quotes_are_doubled(talk: Analysis) -> None:
    text = written(talk, "a.textgrid")
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 5.0\n')
    assert 'text = "So ""late"""' in text and "size = 6" in text
    tiers = re.split(r"\n    item \[\d+\]:\n", text)[1:]
    names = [re.search(r'name = "(.*)"', tier)[1] for tier in tiers]
    assert names == [part + name for name in ("Ann", "Ann (2)", "Bob Ray") for part in ("", "predicted emotion@")]
    for tier in tiers:
        spans = re.findall(r"            xmin = (\S+)\n            xmax = (\S+)", tier)
        assert len(spans) == int(re.search(r"intervals: size = (\d+)", tier)[1])
        assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
        assert (float(spans[0][0]), float(spans[-1][1])) == (0.0, 5.0)


def test_rttm_says_who_speaks_when(talk: Analysis) -> None:
    first, second, *_ = written(replace(talk, conversation_id="a talk"), "a.rttm").splitlines()
    assert first == "SPEAKER a_talk 1 0.500 1.500 <NA> <NA> Ann <NA> <NA>"
    assert second == "SPEAKER a_talk 1 1.500 1.500 <NA> <NA> Bob_Ray <NA> <NA>"


@pytest.mark.parametrize("ending", [".vtt", ".srt", ".eaf", ".TextGrid", ".rttm"])
def test_formats_of_times_are_refused_where_there_are_none(analysis: Analysis, ending: str) -> None:
    with pytest.raises(DataError, match=r"needs times .* Write JSON or CSV instead"):
        render(replace(analysis, utterances=analysis.utterances[1:]), f"a{ending}")


@pytest.mark.parametrize("ending", [".srt", ".vtt", ".eaf", ".TextGrid", ".csv", ".json"])
@pytest.mark.parametrize("labels", [False, True])
def test_what_is_written_reads_as_what_was_said_and_no_prediction_as_a_label(
    talk: Analysis, tmp_path: Path, ending: str, labels: bool
) -> None:
    spoken = replace(talk, utterances=talk.utterances[:2])
    spoken.save(tmp_path / f"talk{ending}", labels)
    found = read_transcript(tmp_path / f"talk{ending}")
    assert [(c.speaker, c.start, c.end, c.text) for c in found.cues] == [
        (u.speaker, u.start, u.end, u.text) for u in spoken.utterances
    ]
    assert {cue.label for cue in found.cues} == {None}
    assert (ending in (".srt", ".vtt")) or any("are a model's" in note for note in found.notes)


@pytest.mark.parametrize("ending", [".json", ".parquet", ".html"])
def test_an_analysis_is_read_back_whole(talk: Analysis, tmp_path: Path, ending: str) -> None:
    odd = replace(
        talk.utterances[0], text="</script><b>&amp; \U0001f600", start=None, missing={"audio": "no recording"}
    )
    whole = replace(talk, utterances=(odd, *talk.utterances[1:]), conversation_id="a <talk>")
    assert Analysis.read(whole.save(tmp_path / f"a{ending}")) == whole


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{}"), ("a.json", b"[1]"), ("a.json", b"\xff"), ("a.json", b'{"format": 1, "labels": 3}'),
        ("a.html", b"<p>"), ("a.parquet", b"PAR1"), ("a.parquet", None),
        ("a.json", b'{"format":1,"conversation_id":"a","labels":[],"model":{},"utterances":[{}],"notes":[]}'),
    ],
)  # fmt: skip
def test_what_is_no_analysis_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is None:
        parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        Analysis.read(tmp_path / name)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("speaker", 5, "an id, a speaker"), ("text", ["a"], "an id, a speaker"), ("label", "fear", "labels among"),
        ("corrected", "fear", "labels among"), ("probabilities", {"joy": 1.0}, "labels among"),
        ("probabilities", {"joy": 2, "anger": 0}, "from 0 to 1"), ("confidence", "0.5", "from 0 to 1"),
        ("confidence", float("nan"), "from 0 to 1"), ("start", "0:01", "times in seconds"),
    ],
)  # fmt: skip
def test_what_somebody_wrote_into_an_analysis_is_not_taken_for_one(
    talk: Analysis, tmp_path: Path, key: str, value: object, said: str
) -> None:
    content = talk.to_dict()
    content["utterances"][1][key] = value
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"a\.json, utterance 2, should have .*{said}"):
        Analysis.read(tmp_path / "a.json")


@pytest.mark.parametrize("value", [2, -0.1, "0.5", True, [0.5]])
def test_a_confidence_below_which_no_model_can_be_unsure_is_refused(
    talk: Analysis, tmp_path: Path, value: object
) -> None:
    content = talk.to_dict()
    content["model"]["unsure_below"] = value
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"a\.json should say below which confidence"):
        Analysis.read(tmp_path / "a.json")


def test_parquet_has_the_columns_of_the_table_with_types(talk: Analysis, tmp_path: Path) -> None:
    table = parquet.read_table(talk.save(tmp_path / "a.parquet"))
    assert table.column_names == to_csv(talk).split("\n")[0].split(",")
    assert table["text"].to_pylist() == ['So "late"', "No & yes <3", "Well", None]
    assert str(table.schema.field("start").type) == str(table.schema.field("p_joy").type) == "double"
    alone = replace(talk.utterances[0], start=None, end=None, text="a\ud800", unimodal={}, recognised={"text": 0.5})
    table = parquet.read_table(replace(talk, utterances=(alone,)).save(tmp_path / "b.parquet"))
    assert str(table.schema.field("start").type) == "double" and table["text"].to_pylist() == ["a?"]
    assert table["recognised.text"].to_pylist() == [0.5]


@pytest.mark.parametrize("ending", [".pdf", ".png"])
def test_one_page_shows_everybody_and_is_the_same_each_time(talk: Analysis, ending: str) -> None:
    content = render(talk, f"a{ending}")
    assert content.startswith({".pdf": b"%PDF", ".png": b"\x89PNG"}[ending]) and content == render(talk, f"a{ending}")


def shown_on_a_page(analysis: Analysis) -> str:
    return " ".join(text.get_text() for text in summary_figure(analysis).findobj(Text))


def test_the_page_says_who_what_and_how_much(talk: Analysis) -> None:
    shown = shown_on_a_page(talk)
    for words in ("4 utterances, 2 speakers, 0:05", "Bob Ray", "1 utterance, 0:02, 32 %", "joy 85 %", "No & yes <3"):
        assert words in shown, words
    said = enumerate(talk.utterances * 5)
    many = tuple(replace(u, id=f"{k}", speaker=f"s{k}", start=None, end=None) for k, u in said)
    shown = shown_on_a_page(replace(talk, utterances=many, media=None))
    assert "20 utterances, 20 speakers" in shown and "others" in shown and "times are not known" in shown
    certain = {"neutral": 1.0, "joy": 0.0, "anger": 0.0}
    calm = tuple(replace(u, label="neutral", probabilities=certain) for u in talk.utterances)
    assert "Every utterance is neutral." in shown_on_a_page(
        replace(talk, labels=("neutral", *talk.labels), utterances=calm)
    )


def test_elan_annotations_are_read_by_another_library(talk: Analysis, tmp_path: Path) -> None:
    file = pympi.Elan.Eaf(str(talk.save(tmp_path / "a.eaf")))
    kinds = ("", "predicted emotion@", "predicted confidence@")
    assert set(file.get_tier_names()) == {kind + name for name in ("Ann", "Ann (2)", "Bob Ray") for kind in kinds}
    assert sorted(file.get_annotation_data_for_tier("Ann")) == [(500, 2000, 'So "late"'), (3000, 4000, "")]
    ((start, end, label, words),) = file.get_ref_annotation_data_for_tier("predicted emotion@Bob Ray")
    assert (start, end, label, words) == (1500, 3000, "anger", "No & yes <3")
    assert file.get_parameters_for_tier("Ann (2)")["PARTICIPANT"] == "Ann"
    assert [media["RELATIVE_MEDIA_URL"] for media in file.get_linked_files()] == ["./talk.wav"]


def test_praat_annotations_are_read_by_another_library(talk: Analysis, tmp_path: Path) -> None:
    grid = textgrid.openTextgrid(str(talk.save(tmp_path / "a.TextGrid")), includeEmptyIntervals=False)
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 5)
    assert [tuple(entry) for entry in grid.getTier("Ann").entries] == [(0.5, 2.0, 'So "late"')]
    assert [tuple(entry) for entry in grid.getTier("predicted emotion@Bob Ray").entries] == [(1.5, 3.0, "anger")]


def test_what_the_model_is_unsure_of_says_so_in_every_format(analysis: Analysis) -> None:
    calibrated = replace(analysis, model={**analysis.model, "unsure_below": 0.76})
    first = calibrated.utterances[0]
    assert calibrated.is_unsure(first) and calibrated.said(first) == "unsure (joy)"
    assert not analysis.is_unsure(first) and analysis.said(first) == "joy"
    assert [row["unsure"] for row in csv.DictReader(io.StringIO(to_csv(calibrated)))] == ["true", "true"]
    assert "unsure" not in to_csv(analysis).splitlines()[0]
    # As text, "false" would be true to whoever asks.
    told = parquet.read_table(pyarrow.BufferReader(render(calibrated, "talk.parquet")))["unsure"]
    assert told.type == pyarrow.bool_() and told.to_pylist() == [True, True]
    assert "[unsure (joy) 75 %]" in to_vtt(calibrated, labels=True) and "[joy 75 %]" in to_vtt(analysis, labels=True)
    assert "[unsure (joy) 75 %]" in to_srt(calibrated, labels=True)
    for ending in (".eaf", ".TextGrid"):
        assert "unsure (joy)" in written(calibrated, f"talk{ending}")
        assert "unsure" not in written(analysis, f"talk{ending}")
    shown = [text.get_text() for text in summary_figure(calibrated).findobj(Text)]
    assert "Every utterance is neutral, or the model is unsure of it." in shown


def test_of_what_a_person_corrected_nobody_is_unsure(analysis: Analysis) -> None:
    corrected = replace(analysis.utterances[0], corrected="anger")
    calibrated = replace(analysis, model={**analysis.model, "unsure_below": 0.76}, utterances=(corrected,))
    assert calibrated.said(corrected) == "anger" and not calibrated.is_unsure(corrected)
    # The tier of what the model says is not changed by a person.
    assert "unsure (joy)" in written(calibrated, "talk.eaf")
    assert "unsure" not in to_vtt(calibrated, labels=True)
