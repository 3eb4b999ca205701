"""A model in a file of a user's own goes every way that one of the package goes, from training to a server."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from crossspace.cli.main import main
from crossspace.components import load
from crossspace.components.registry import OUTSIDE
from crossspace.data.corpus import Corpus
from crossspace.errors import CrossspaceWarning, UsageError
from crossspace.predict import Predictor
from crossspace.studies.folder import StudyFolder

pytestmark = pytest.mark.usefixtures("only_the_box")
QUICK = ["--training.epochs", "1", "--training.batch_size", "4"]
QUIET = ["--device", "cpu", "--quiet"]


@pytest.fixture(scope="module")
def place(model_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(model_text)
    return folder


@pytest.fixture(scope="module")
def own_corpus(place: Path, tiny_corpus: Corpus) -> Path:
    """A corpus whose features were made by the extractor of the file."""
    text = tiny_corpus.with_modalities(["text"])
    made = Corpus(
        {split: list(text.split(split)) for split in ("train", "validation", "test")},
        text.spec,
        extractors={"text": {"name": "lengths", "version": "1", "parameters": {}}},
    )
    made.write(place / "own.parquet")
    return place / "own.parquet"


@pytest.fixture(scope="module")
def run(place: Path, own_corpus: Path) -> Path:
    """A run of the model, with a balancer of the same file."""
    out, code = place / "runs" / "one", str(place / "mine.py")
    words = ["train", "--data", str(own_corpus), "--out", str(out), "--model", "mine", "--model.width", "3"]
    assert main([*words, "--balancer", "halves", "--track", "none", *QUICK, *QUIET, "--import", code]) == 0
    OUTSIDE.clear()
    return out


@pytest.fixture
def code(place: Path) -> list[str]:
    return ["--import", str(place / "mine.py")]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(" ".join(capsys.readouterr()).split())


def test_arguments_of_the_model_are_suggested(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "wide.py").write_text((place / "mine.py").read_text().replace("width", "breadth"))
    assert main(["train", "--breadth", "3", "--import", str(place / "wide.py")]) == 2
    assert "Did you mean '--model.breadth'?" in said(capsys)


def test_the_run_says_where_its_code_is_and_its_own_command_repeats_it(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    model = json.loads((run / "seed-0" / "config.json").read_text())
    assert [entry["file"] for entry in config["imports"]] == ["../../mine.py"]
    assert model["source"] == {"module": "mine", "file": "mine.py", "sha256": config["imports"][0]["sha256"]}
    (command,) = re.findall(r"crossspace (train .*--import \.\./\.\./mine\.py)", (run / "report.md").read_text())
    monkeypatch.chdir(run)
    assert main([*shlex.split(command), "--track", "none", *QUIET]) == 0
    assert (run / "again" / "results.json").read_bytes() == (run / "results.json").read_bytes()
    shutil.rmtree(run / "again")


def test_components_of_a_file_are_listed_with_the_file(
    code: list[str], place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", *code]) == 0
    found = said(capsys)
    for name in ("mine", "halves", "doubled", "turning", "calm", "lengths"):
        assert f" {name} " in found
    assert "".join(c for c in found if c not in " │").count(f"(from{place}/mine.py)") == 6  # cells are wrapped


def test_a_saved_model_is_read_with_its_code_and_refused_without(
    run: Path, code: list[str], own_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "p.csv")
    commands = {
        "evaluate": ["evaluate", str(run), str(own_corpus)],
        "predict": ["predict", str(run), str(own_corpus), "--out", out],
        "train": ["train", "--resume", "--out", str(run), "--track", "none", *QUIET],
        "again": ["train", "--config", str(run / "config.yaml"), "--out", str(tmp_path / "again"), *QUIET],
    }
    for name, words in commands.items():
        assert main(words) == 2, name
        assert "If you trust" in (told := said(capsys)) and "--import" in told and "mine.py" in told
    assert not (tmp_path / "again").exists() and "mine" not in [name for _, name in OUTSIDE]
    for name in ("evaluate", "predict", "train"):
        assert main([*commands[name], *code]) == 0, said(capsys)
    assert len(Path(out).read_text().splitlines()) > 10 and "another version" not in said(capsys)


def test_another_version_of_the_file_is_a_note(
    run: Path, place: Path, own_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = tmp_path / "mine.py"
    newer.write_text((place / "mine.py").read_text() + "\n# newer\n")
    assert main(["evaluate", str(run), str(own_corpus), "--import", str(newer)]) == 0
    assert "Note: The saved model was made with another version of mine.py" in said(capsys)
    with pytest.warns(CrossspaceWarning, match="another version"):
        Predictor.from_pretrained(run)


def test_in_python_the_refusal_says_what_to_call(run: Path, place: Path) -> None:
    with pytest.raises(UsageError, match=r"call crossspace\.components\.load\('mine\.py'\) before"):
        Predictor.from_pretrained(run)
    load(place / "mine.py")
    assert Predictor.from_pretrained(run).model.arguments == {"width": 3, "past": 2}


@pytest.mark.parametrize("source", [{"module": "os; rm"}, {"module": "m", "file": "a/b.py"}, "mine.py", {}])
def test_a_forged_source_is_damage(run: Path, tmp_path: Path, source: Any) -> None:
    shutil.copytree(run / "seed-0", tmp_path / "forged")
    path = tmp_path / "forged" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "source": source}))
    with pytest.raises(Exception, match="Found damage: a source that names no module"):
        Predictor.from_pretrained(tmp_path / "forged")


@pytest.mark.long
def test_a_study_of_the_model_runs_in_processes_and_is_reported_with_its_code(
    code: list[str],
    corpus_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("crossspace.studies.report.write_study_report", lambda folder: folder)  # its figures take long
    study, out = tmp_path / "study.yaml", tmp_path / "study"
    base = {"model": {"name": "mine"}, "training": {"epochs": 1, "batch_size": 4}}
    study.write_text(yaml.safe_dump({"base": base, "grid": {"model.width": [2, 3]}}))
    words = ["study", "run", str(study), "--data", str(corpus_file), "--out", str(out), "--seeds", "1", "--jobs", "1"]
    assert main([*words, "--track", "none", *QUIET, *code]) == 0, said(capsys)
    assert len(list(out.glob("runs/*/results.json"))) == 2
    OUTSIDE.clear()
    with pytest.raises(UsageError, match=r"(?s)no model 'mine'.* add --import"):
        StudyFolder(out).study()
    load(code[1])
    assert [v.configuration.model["width"] for v in StudyFolder(out).study().variants] == [2, 3]


def test_a_search_tries_the_model_and_its_best_is_trained_again(
    code: list[str], corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space, out = tmp_path / "space.yaml", tmp_path / "search"
    space.write_text("model.width: {low: 2, high: 4}\n")
    words = ["tune", "--space", str(space), "--data", str(corpus_file), "--out", str(out), "--trials", "2"]
    assert main([*words, "--folds", "2", "--model", "mine", *QUICK, *QUIET, *code]) == 0, said(capsys)
    OUTSIDE.clear()
    assert main(["tune", "--rerun", str(out), "--device", "cpu"]) == 2
    assert "add --import" in said(capsys)
    assert main(["tune", "--rerun", str(out), "--device", "cpu", *code]) == 0
    assert "equal to the last digit" in said(capsys)


def test_the_model_is_served(
    run: Path, code: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from starlette.testclient import TestClient

    answers = []

    def serve(app: Any, *_: Any) -> None:
        with TestClient(app, base_url="http://127.0.0.1:8000") as client:
            rows = [{"speaker": "ANN", "text": "hello"}]
            answers.append(client.post("/v1/predict", json={"utterances": rows}).json())
            answers.append(client.get("/v1/model").json())

    monkeypatch.setattr("crossspace.serve.running.serve", serve)
    assert main(["serve", str(run), "--port", "0"]) == 2
    assert "--import mine.py" in said(capsys) and not answers
    assert main(["serve", str(run), "--port", "0", *code]) == 0
    assert answers[0]["utterances"][0]["label"] and answers[1]["kind"] == "mine"


def test_a_stream_goes_on_with_the_past_that_the_model_looks_at(run: Path, place: Path, own_corpus: Path) -> None:
    load(place / "mine.py")
    predictor = Predictor.from_pretrained(run)
    corpus = Corpus.read(own_corpus)
    for conversation in corpus.split("test"):
        stream = predictor.stream()
        whole = predictor.predict(conversation)
        pushed = [stream.push(utterance) for utterance in conversation.without_labels().utterances]
        for one, record in zip(pushed, whole, strict=True):
            assert one["probabilities"] == pytest.approx(record["probabilities"], abs=1e-6)


def test_an_importer_and_an_extractor_of_a_file_are_options_of_their_commands(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(
        "lines.py",
        """
        import numpy as np

        from crossspace import Conversation, Corpus, TaskSpec, Utterance
        from crossspace.data.importers.base import Importer
        from crossspace.features.extractors.base import AudioExtractor, TextExtractor

        class Lines(Importer):
            \"\"\"Import lines.\"\"\"
            def __init__(self, *, label: str) -> None:
                self.label = label

            def read(self, source):
                said = [Utterance(t, "A", t, None, None, self.label, {"text": np.ones(2, np.float32)})
                        for t in open(source).read().split()]
                return Corpus({"train": [Conversation("c", tuple(said))]}, TaskSpec((self.label,), {"text": 2}, 2))

        class Length(TextExtractor):
            \"\"\"How long a text is.\"\"\"
            name, licence, width, version, parameters = "length", "none", 1, "1", {}

            def extract(self, items):
                return [np.asarray([len(text)], np.float32) for text in items]

        class Loud(AudioExtractor):
            \"\"\"How loud a sound is.\"\"\"
            name, licence, width, version, parameters = "loud", "none", 1, "1", {}

            def extract(self, items):
                return [np.asarray([np.abs(x).mean()], np.float32) for x in items]
        """,
    )
    own = ["--import", str(file)]
    (tmp_path / "said.txt").write_text("one two")
    out = str(tmp_path / "said.parquet")
    assert main(["data", "import", str(tmp_path / "said.txt"), out, "--format", "lines"]) == 2
    assert main(["data", "import", str(tmp_path / "said.txt"), out, "--format", "lines", "--label", "joy", *own]) == 0
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("ANN: hello\nBEN: well")
    lines = ["media,transcript", f"{_sound(tmp_path)},a.txt", f"{_sound(tmp_path)},b.txt"]
    (tmp_path / "all.csv").write_text("\n".join(lines))
    words = ["extract", str(tmp_path / "all.csv"), str(tmp_path / "all.parquet"), "--visual", "none", "--quiet"]
    words += ["--text", "length", "--audio", "loud", "--jobs", "2", "--cache", str(tmp_path / "cache")]
    assert main([*words, *own]) == 0, said(capsys)


def _sound(folder: Path) -> str:
    import wave

    names = [name for name in ("a.wav", "b.wav") if not (folder / name).exists()]
    with wave.open(str(folder / names[0]), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(b"\1\2" * 16000)
    return names[0]


def test_a_model_saved_with_other_arguments_than_its_code_takes_is_told_so(
    run: Path, place: Path, own_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (place / "mine.py").read_text()
    (place / "other").mkdir()
    other = place / "other" / "mine.py"
    for changed in (text.replace("width", "breadth"), text.replace("*, width", "*, depth: int, width")):
        other.write_text(changed)
        assert main(["evaluate", str(run), str(own_corpus), "--import", str(other)]) == 1
        told = said(capsys)
        assert "made with another version of mine.py" in told and "is not built with them" in told


@pytest.mark.parametrize(("answer", "told"), [("return None", "a NoneType"), ("return source", "a str")])
def test_an_importer_that_reads_no_corpus_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str, told: str
) -> None:
    file = tmp_path / "odd.py"
    file.write_text(
        "from crossspace.data.importers.base import Importer\n\n\nclass Odd(Importer):\n"
        f"    format = 'odd'\n\n    def read(self, source):\n        {answer}\n"
    )
    target = tmp_path / "a.parquet"
    assert main(["data", "import", str(file), str(target), "--format", "odd", "--import", str(file)]) == 2
    assert f"should return a `Corpus`. Found {told}" in said(capsys) and not target.exists()


def test_an_argument_without_a_type_is_named(place: Path, own_corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = place / "untyped.py"
    file.write_text((place / "mine.py").read_text().replace("width: int = 4", "width"))
    assert main(["train", "--data", str(own_corpus), "--out", "no", "--model", "mine", "--import", str(file)]) == 2
    assert "Parameter 'width'" in said(capsys)
