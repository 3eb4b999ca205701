"""What a release has written is read for ever, and what a later one writes is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
import yaml

from crossspace import Corpus, Predictor, __version__
from crossspace.analysis.exports.reading import read_analysis
from crossspace.cli.main import main
from crossspace.errors import DataError
from crossspace.evaluation.run_folder import RunRecord
from crossspace.onnx import ExportedPredictor
from crossspace.onnx.description import Description
from crossspace.studies.folder import StudyFolder
from crossspace.studies.results import StudyRecord

FIXTURES = Path(__file__).parent / "fixtures" / "released"
RELEASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    return FIXTURES / request.param


def test_there_is_something_of_every_release_and_not_much() -> None:
    assert RELEASES == ["0.1.0", "0.2.0"] and RELEASES[-1] == __version__
    for release in RELEASES:
        assert sum(path.stat().st_size for path in (FIXTURES / release).rglob("*") if path.is_file()) < 500_000


def test_a_corpus_is_read_whole(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = Corpus.read(release / "corpus.parquet")
    stated = json.loads((release / "run" / "environment.json").read_text())["corpus"]
    assert corpus.fingerprint == stated["fingerprint"]
    assert corpus.spec.widths == stated["modalities"] and list(corpus.spec.labels) == stated["labels"]
    assert main(["data", "validate", str(release / "corpus.parquet")]) == 0


def test_a_model_says_what_it_said_then(release: Path) -> None:
    torch.manual_seed(0)
    predictor = Predictor.from_pretrained(release / "run")
    found = [
        [record["utterance_id"], record["label"], max(record["probabilities"].values())]
        for conversation in Corpus.read(release / "corpus.parquet").split("test")
        for record in predictor.predict(conversation)
    ]
    table = pq.read_table(release / "predictions.parquet").to_pylist()
    assert [one[:2] for one in found] == json.loads((release / "said.json").read_text())
    assert [one[2] for one in found] == pytest.approx([row["confidence"] for row in table], abs=1e-4)


def test_an_exported_model_says_what_it_said_then(release: Path) -> None:
    if release.name == "0.1.0":
        pytest.skip("it exported nothing")
    pytest.importorskip("onnxruntime")
    predictor = ExportedPredictor.from_pretrained(release / "exported")
    found = [
        [record["utterance_id"], record["label"]]
        for conversation in Corpus.read(release / "corpus.parquet").split("test")
        for record in predictor.predict(conversation)
    ]
    assert found == json.loads((release / "said.json").read_text())


def test_a_table_of_predictions_has_the_columns_that_programs_rest_on(release: Path) -> None:
    names = pq.read_schema(release / "predictions.parquet").names
    assert names[:6] == ["conversation_id", "utterance_id", "position", "speaker", "label", "confidence"]
    assert (release / "predictions.csv").read_text().splitlines()[0].replace('"', "").split(",") == names


def test_a_run_folder_is_read_and_its_configuration_trains_again(release: Path) -> None:
    from crossspace.configuration import read_configuration

    record = RunRecord.read(release / "run")
    assert record.seeds == [0, 1] and record.labels and len(record.predictions) > 0
    assert read_configuration(file=release / "run" / "config.yaml").model["width"] == 8


def test_a_study_is_read_with_its_scores(release: Path) -> None:
    record = StudyRecord.read(release / "study")
    assert [variant.name for variant in StudyFolder(release / "study").study().variants]
    assert 0 <= record.reference.metric("weighted_f1")["mean"] <= 1
    assert len(record.others) == 1


def test_a_timeline_is_read(release: Path) -> None:
    analysis = read_analysis(release / "timeline.json")
    assert [one.speaker for one in analysis.utterances] == ["Ann", "Ben"]
    assert [one.label for one in analysis.utterances] == ["joy", "joy"]


def _in_json(path: Path, key: str) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), key: 2}))


def _in_yaml(path: Path) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "format": 2}))


def _in_parquet(path: Path) -> None:
    table = pq.read_table(path)
    said = {**json.loads(table.schema.metadata[b"crossspace"]), "format_version": 2}
    pq.write_table(table.replace_schema_metadata({b"crossspace": json.dumps(said)}), path)


@pytest.mark.parametrize(
    ("file", "change", "read"),
    [
        ("corpus.parquet", _in_parquet, lambda r: Corpus.read(r / "corpus.parquet")),
        (
            "run/seed-0/config.json",
            lambda p: _in_json(p, "format"),
            lambda r: Predictor.from_pretrained(r / "run/seed-0"),
        ),
        ("run/environment.json", lambda p: _in_json(p, "format"), lambda r: RunRecord.read(r / "run")),
        (
            "exported/exported.json",
            lambda p: _in_json(p, "format"),
            lambda r: Description.read(r / "exported" / "exported.json"),
        ),
        ("study/study.yaml", _in_yaml, lambda r: StudyRecord.read(r / "study")),
        ("timeline.json", lambda p: _in_json(p, "format"), lambda r: read_analysis(r / "timeline.json")),
    ],
)
def test_what_a_later_release_wrote_is_refused_by_name(
    file: str, change: Callable[[Path], None], read: Callable[[Path], object], release: Path, tmp_path: Path
) -> None:
    if not (release / file).exists():
        pytest.skip("it wrote none")
    shutil.copytree(release, tmp_path / "later", ignore=shutil.ignore_patterns("SHA256SUMS"))
    change(tmp_path / "later" / file)
    with pytest.raises(
        DataError, match=r"newer release of crossspace, in format 2\. This release, [\d.]+\w*, reads"
    ) as told:
        read(tmp_path / "later")
    assert Path(file).parts[0] in str(told.value)
