"""Which commands take addresses, and what the others say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from crossspace import Corpus
from crossspace.cli.main import main
from crossspace.stores import place

_ALONE = [
    ["finetune", "s3://bucket/c.parquet", "--out", "x"],
    ["finetune", "{corpus}", "--out", "s3://bucket/x"],
    ["calibrate", "{corpus}", "{corpus}", "--out", "s3://bucket/x"],
    ["report", "s3://bucket/x"],
    ["study", "run", "s3://bucket/x.yaml", "--data", "{corpus}", "--out", "x"],
    ["train", "--config", "s3://bucket/x.yaml", "--data", "{corpus}", "--out", "x"],
    ["tune", "--space", "s3://bucket/x.yaml", "--data", "{corpus}", "--out", "x"],
    ["data", "import", "s3://bucket/x.npz", "x.parquet", "--format", "arrays"],
]


@pytest.mark.parametrize("words", _ALONE, ids=lambda words: " ".join(words[:2]))
def test_an_address_is_refused_where_it_does_not_work(
    words: list[str], corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([word.format(corpus=corpus_file) for word in words]) == 2
    assert "on this machine alone. Copy it here first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["data", "show", "https://host/c.parquet"],
        ["data", "validate", "s3://"],
        ["train", "--data", "s3://bucket/x::file:///c", "--out", "x"],
        ["train", "--data", "{corpus}", "--out", "s3://key:secret@bucket/x"],
        ["analyze", "memory://folder/../../x"],
    ],
)
def test_what_is_no_address_is_refused_by_all(
    words: list[str], corpus_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(corpus=corpus_file) for word in words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("crossspace: ") and "secret" not in said


def test_data_commands_read_and_write_stores(
    memory: str, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = f"{memory}/c.parquet"
    assert main(["data", "split", str(corpus_file), corpus, "--fraction", "0.3"]) == 0
    for action in ("show", "validate"):
        assert main(["data", action, corpus]) == 0
    assert main(["data", "split", corpus, tmp_path.joinpath("s.parquet").as_uri(), "--fraction", "0.3"]) == 0
    assert Corpus.read(tmp_path / "s.parquet").fingerprint == Corpus.read(corpus).fingerprint
    assert main(["data", "split", corpus, corpus, "--fraction", "0.3"]) == 2
    assert "would be lost" in capsys.readouterr().err


def test_an_analysis_is_read_from_and_written_to_stores(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crossspace.stores import place

    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    place(f"{memory}/talks/one.txt").write_text("ANN: How wonderful!\nBEN: Go away.\n")
    assert main(["analyze", f"{memory}/talks/one.txt", "--out", f"{memory}/one.csv"]) == 0
    assert len(place(f"{memory}/one.csv").read_text().splitlines()) == 3
    assert main(["analyze", f"{memory}/talks", "--out", str(tmp_path / "out"), "--as", "csv"]) == 0
    assert (tmp_path / "out" / "one.csv").read_text() == place(f"{memory}/one.csv").read_text()


def test_what_is_not_there_is_named(memory: str, bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["data", "show", f"{memory}/c.parquet"], ["analyze", f"{bucket}/none.wav"]):
        assert main(words) == 1
        assert words[-1] in capsys.readouterr().err


@pytest.mark.long
def test_a_study_with_everything_on_a_store_is_the_one_of_this_machine(
    bucket: str, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "study.yaml").write_text(
        "base: {model: {name: css, width: 8, heads: 2}, training: {epochs: 1}}\n"
        "variants: {a: {}, b: {balancer: {name: fixed}}}\n"
    )
    Corpus.read(corpus_file).write(f"{bucket}/c.parquet")
    for data, out in ((corpus_file, tmp_path / "here"), (f"{bucket}/c.parquet", f"{bucket}/there")):
        words = ["study", "run", tmp_path / "study.yaml", "--data", data, "--out", out, "--seeds", "1"]
        words += ["--jobs", "2", "--quiet", "--track", "none", "--device", "cpu"]
        assert main([*map(str, words)]) == 0
    assert f"Report: {bucket}/there/report.html" in capsys.readouterr().out
    stored = {str(one.way_from(f"{bucket}/there")): one for one in place(f"{bucket}/there").below()}  # type: ignore[union-attr]
    for name in ("runs/a/predictions.parquet", "runs/b/predictions.parquet", "report.md"):
        assert stored[name].read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert not [name for name in stored if ".claim" in name or "checkpoint" in name or ".lock" in name]
    assert main([*map(str, words)]) == 0  # nothing is left to do, on whatever machine
    assert main([*map(str, words), "--engine", "ray"]) == 2


@pytest.mark.long
def test_a_search_with_everything_on_a_store_is_the_one_of_this_machine(
    bucket: str, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "space.yaml").write_text("training.learning_rate: {low: 0.001, high: 0.1, log: true}\n")
    Corpus.read(corpus_file).write(f"{bucket}/c.parquet")
    words = ["tune", "--space", str(tmp_path / "space.yaml"), "--folds", "2", "--device", "cpu", "--quiet"]
    words += ["--model.width", "8", "--model.heads", "2", "--training.epochs", "1", "--threads", "1"]
    here = [*words, "--data", str(corpus_file), "--out", str(tmp_path / "here"), "--trials", "3"]
    assert main(here) == 0
    there = [*words, "--data", f"{bucket}/c.parquet", "--out", f"{bucket}/there"]
    assert main([*there, "--trials", "3", "--storage", "sqlite"]) == 2
    # As on two machines, of which the second has nothing of what the first worked in.
    for machine, trials in (("cache", "2"), ("another", "3")):
        monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / machine))
        assert main([*there, "--trials", trials]) == 0
    assert f"Configuration: {bucket}/there/best.yaml" in capsys.readouterr().out
    best = [
        yaml.safe_load(where.read_text()) for where in (tmp_path / "here/best.yaml", place(f"{bucket}/there/best.yaml"))
    ]
    assert best[0]["training"] == best[1]["training"] and best[0]["model"] == best[1]["model"]
