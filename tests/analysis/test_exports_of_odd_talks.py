"""Whatever a talk is made of, its exports are whole: odd letters, no words, many labels, times that are not known."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.legend import Legend
from pyarrow import parquet

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.exports import FORMATS, lost_in, render
from crossspace.analysis.exports.summary import summary_figure
from crossspace.analysis.exports.tables import rows
from crossspace.errors import DataError
from crossspace.transcripts import read_transcript

CODES = "Ann\x00\x07\x1b[31m\x9b said"


def talk(
    *said: tuple[str, str, float | None, float | None], labels: tuple[str, ...] = ("joy", "anger"), name: str = "t"
) -> Analysis:
    shares = {label: 1 / len(labels) for label in labels}
    utterances = tuple(
        UtteranceAnalysis(f"u{at}", speaker, start, end, text, labels[0], shares[labels[0]], shares)
        for at, (speaker, text, start, end) in enumerate(said)
    )
    model = {"name": "m", "kind": "css", "modalities": ["text"], "causal": False, "in_the_box": True}
    return Analysis(name, labels, model, None, utterances)


@pytest.mark.parametrize("ending", FORMATS)
def test_control_codes_and_halves_of_characters_spoil_no_format(ending: str, tmp_path: Path) -> None:
    odd = talk((CODES, CODES, 0.0, 1.0), ("\ud800", "\udfff half", 1.0, 2.0), labels=("\ud800", CODES), name="\ud800\0")
    path = odd.save(tmp_path / f"talk{ending}")
    if ending in (".csv", ".vtt", ".srt", ".TextGrid", ".eaf"):
        assert [cue.text for cue in read_transcript(path).cues][-1].endswith("? half")
        assert not {"\x00", "\x07", "\x1b", "\x9b"} & set(path.read_text(encoding="utf-8"))
    if ending in (".json", ".parquet", ".html"):
        again = Analysis.read(path)
        assert (again.utterances[0].text, again.utterances[1].speaker) == (CODES, "?")


@pytest.mark.parametrize("ending", [".json", ".csv", ".parquet", ".html", ".pdf", ".png"])
@pytest.mark.filterwarnings("error")
def test_an_analysis_of_nothing_is_written_by_every_format_without_times(ending: str, tmp_path: Path) -> None:
    path = talk().save(tmp_path / f"talk{ending}")
    if ending in (".json", ".parquet", ".html"):
        assert Analysis.read(path) == talk()


def test_how_sure_a_recogniser_was_is_a_number_in_parquet() -> None:
    known = talk(("Ann", "hi", 0.0, 1.0))
    known = replace(known, utterances=(replace(known.utterances[0], recognised={"text": 0.75, "speaker": 0.5}),))
    table = parquet.read_table(io.BytesIO(render(known, "a.parquet")))
    assert table.column("recognised.text").to_pylist() == [0.75]
    assert table.column("recognised.speaker").to_pylist() == [0.5]


class _Counted(tuple[UtteranceAnalysis, ...]):
    """Utterances that count how often somebody begins to look at all of them."""

    looks = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        type(self).looks += 1
        return super().__iter__()


def test_a_table_takes_no_look_at_all_utterances_for_each_of_them() -> None:
    many = talk(*(("Ann", "hi", None, None) for _ in range(200)))
    _Counted.looks = 0
    assert len(rows(replace(many, utterances=_Counted(many.utterances)))) == 200
    assert _Counted.looks < 10
    several = talk(*((f"s{at}", "hi", None, None) for at in range(200)))
    _Counted.looks = 0
    assert len(replace(several, utterances=_Counted(several.utterances)).arcs) == 200
    assert _Counted.looks < 10


@pytest.mark.parametrize("ending", [".vtt", ".srt", ".eaf", ".TextGrid"])
def test_the_last_utterance_is_written_though_nobody_knows_its_end(ending: str, tmp_path: Path) -> None:
    said = talk(("Ann", "Hello there.", 0.0, 5.0), ("Ben", "one two three four five", 5.0, None))
    cues = read_transcript(said.save(tmp_path / f"talk{ending}")).cues
    assert [(cue.text, cue.end) for cue in cues] == [("Hello there.", 5.0), ("one two three four five", 7.0)]
    assert lost_in(said, f"a{ending}") == ["1 utterances had no end; they end 0.4 s a word after they begin."]


def test_what_a_format_of_times_leaves_out_is_told() -> None:
    said = talk(("Ann", "Hello.", 0.0, 5.0), ("Ben", "late", None, None), ("Ben", "tiny", 6.0, 6.0004))
    assert lost_in(said, "a.srt") == ["2 of 3 utterances have no times that SRT can hold; left out."]
    assert lost_in(said, "a.json") == []
    with pytest.raises(DataError, match="a thousandth of a second later"):
        render(talk(("Ann", "tiny", 0.0, 0.0004)), "a.vtt")


@pytest.mark.parametrize("word", ["x", "label number", "W" * 30, "$x$\n"])
def test_many_labels_leave_room_for_what_is_below_them(word: str) -> None:
    labels = tuple(f"{at}{word}" for at in range(300))
    figure = summary_figure(talk(*((f"s{at}", "hi", at, at + 1.0) for at in range(20)), labels=labels))
    figure.canvas.draw()
    (legend,) = (one for one in figure.legends if isinstance(one, Legend))
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown[-1] == f"and {300 - len(shown) + 1} more"
    box = legend.get_window_extent().transformed(figure.transFigure.inverted())
    assert box.x1 <= 1 and box.y0 > 0.855, "it runs off the page, or into the strip"


def test_few_labels_are_all_named(make_analysis: Callable[..., Analysis]) -> None:
    analysis = make_analysis()
    (legend,) = summary_figure(analysis).legends
    assert [text.get_text() for text in legend.get_texts()] == list(analysis.labels)
