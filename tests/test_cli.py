"""The command line: every command, every exit code, no traceback for a user's mistake."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from crossspace.cli.main import COMMANDS, main
from crossspace.data.corpus import Corpus

TINY = [
    "--model.width",
    "8",
    "--model.heads",
    "2",
    "--model.fusion.rank=4",
    "--training.epochs",
    "1",
    "--device",
    "cpu",
]


class Outcome:
    """What a command returned and printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(*words: object) -> Outcome:
        try:
            code = main([str(w) for w in words])
        except SystemExit as end:  # argparse ends its --help so
            code = int(end.code or 0)
        found = capsys.readouterr()
        assert "Traceback" not in found.err
        return Outcome(code, found.out, found.err)

    return call


Run = Callable[..., Outcome]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    found = run(command, "--help")
    assert found.code == 0 and "usage:" in found.out and COMMANDS[command].split()[0] in run("--help").out


@pytest.mark.parametrize("action", ["import", "join", "split", "show", "validate", "synthesize"])
def test_every_action_on_data_has_help(run: Run, action: str) -> None:
    assert "usage:" in run("data", action, *(["--format", "arrays"] if action == "import" else []), "--help").out


def test_full_help_of_train_lists_the_arguments_of_model_balancer_and_training(run: Run) -> None:
    found = run("train", "--help", "all").out
    for option in ("--model.fusion.root", "--balancer.apply", "--training.class_weights", "--resume"):
        assert option in found
    found = run("train", "--model", "bc-lstm", "--balancer", "fixed", "--help", "all").out
    assert "--balancer.values" in found and "fusion.root" not in found


def test_list_names_all_components(run: Run) -> None:
    found = run("list").out
    for name in ("css", "bc-lstm", "pgm", "fixed", "sdt", "arrays", "synthetic", "css-meld-released", "css-mosi"):
        assert name in found
    assert "softmax-gate" in run("list", "fusions").out
    alone = run("list", "balancers").out
    assert "pgm" in alone and "bc-lstm" not in alone


def test_a_corpus_is_synthesized_shown_and_validated(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "made.parquet"
    words = ["--train", 3, "--validation", 1, "--test", 1, "--longest", 6, "--widths", "text=4,audio=3", "--seed", 7]
    assert run("data", "synthesize", target, *words).code == 0
    assert Corpus.read(target).spec.widths == {"text": 4, "audio": 3}
    shown = run("data", "show", target)
    assert shown.code == 0 and "happy" in shown.out and "audio" in shown.out
    assert json.loads(run("data", "show", target, "--json").out)["splits"]["train"]["conversations"] == 3
    assert "no faults" in run("data", "validate", target).out


def test_arrays_are_imported_with_the_mapping_of_the_example(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "mosi.npz", tmp_path / "mosi.parquet"
    np.savez(
        source,
        video=np.array(["a", "a", "b"]),
        utt=np.array([1, 2, 1]),
        utt_id=np.array(["a1", "a2", "b1"]),
        text_raw=np.array(["x", "y", "z"]),
        label=np.array([0, 1, 1]),
        split=np.array(["train", "train", "test"]),
        text=np.zeros((3, 4), np.float32),
        video_feat=np.ones((3, 2), np.float32),
    )
    columns = "conversation_id=video,position=utt,utterance_id=utt_id,text=text_raw,label=label,split=split"
    found = run(
        "data", "import", source, target, "--format", "arrays",
        "--columns", columns, "--features", "text=text,visual=video_feat", "--labels", "negative,positive",
    )  # fmt: skip
    assert found.code == 0, found.err
    assert Corpus.read(target).spec.labels == ("negative", "positive")


def test_train_evaluate_predict_and_report_work_together(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trained = run("train", "--data", corpus_file, "--out", out, "--seeds", 2, "--first-seed", 3, *TINY)
    assert trained.code == 0, trained.err
    assert "accuracy" in trained.out and str(out / "report.html") in trained.out and "seed 3" in trained.err
    evaluated = run("evaluate", out, corpus_file, "--split", "test", "--out", tmp_path / "scores.json")
    assert evaluated.code == 0 and "weighted F1" in evaluated.out
    scores, results = (json.loads(p.read_text()) for p in (tmp_path / "scores.json", out / "results.json"))
    assert scores["metrics"] == results["metrics"] and scores["seeds"] == results["seeds"] == [3, 4]
    for name in ("p.csv", "p.parquet"):
        assert run("predict", out, corpus_file, "--split", "test", "--out", tmp_path / name).code == 0
    table = pq.read_table(tmp_path / "p.parquet")
    assert pyarrow.csv.read_csv(tmp_path / "p.csv")["utterance_id"].to_pylist() == table["utterance_id"].to_pylist()
    assert table.num_rows == sum(Corpus.read(corpus_file).lengths("test"))
    (out / "report.html").unlink()
    assert run("report", out).code == 0 and (out / "report.html").exists()


def test_a_plain_lstm_trains_in_bfloat16_with_fixed_weights(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    words = ["--model", "bc-lstm", "--model.width", 8, "--balancer", "fixed", "--training.precision", "bf16"]
    found = run(
        "train",
        "--data",
        corpus_file,
        "--out",
        tmp_path / "run",
        *words,
        "--training.epochs",
        1,
        "--quiet",
        "--device",
        "cpu",
    )
    assert found.code == 0, found.err
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["model"]["name"] == "bc-lstm"


def test_a_conversation_is_predicted_as_json(run: Run, finished_run: Path, tmp_path: Path) -> None:
    source = tmp_path / "c.json"
    source.write_text('{"utterances": [{"speaker": "Ada", "features": {"text": [1, 2, 3, 4]}}]}')
    records = json.loads(run("predict", finished_run, source).out)
    assert set(records[0]["contributions"]) == {"text"}
    assert run("predict", finished_run, source, "--out", tmp_path / "p.json").code == 0
    assert json.loads((tmp_path / "p.json").read_text()) == records


TRAIN = ["train", "--data", "{corpus}", "--out", "{tmp}/r"]

MISTAKES: dict[str, tuple[list[str], int, list[str]]] = {
    "unknown command": (["trian"], 2, ["'trian'", "'train'"]),
    "unknown action": (["data", "improt"], 2, ["'import'"]),
    "unknown option": (["list", "--kinds"], 2, ["--kinds"]),
    "unknown option of train": (["train", "--dta", "x", "--out", "y"], 2, ["--dta", "--data"]),
    "unknown kind": (["list", "modls"], 2, ["models"]),
    "no data": (["train", "--out", "{tmp}/r"], 2, ["--data"]),
    "no folder": (["train", "--data", "{corpus}"], 2, ["--out"]),
    "unknown model": ([*TRAIN, "--model", "cs"], 2, ["'cs'", "'css'"]),
    "unknown balancer": ([*TRAIN, "--balancer", "pgn"], 2, ["'pgm'"]),
    "unknown recipe": (
        [*TRAIN, "--recipe", "css-meld-relased"],
        2,
        ["css-meld-paper", "css-meld-released"],
    ),
    "unknown argument": (
        [*TRAIN, "--model.widht", "8"],
        2,
        ["model.widht", "'width'"],
    ),
    "unknown section": (
        [*TRAIN, "--modl.width", "8"],
        2,
        ["--modl.width", "'model'"],
    ),
    "wrong type": ([*TRAIN, "--model.width", "wide"], 2, ["model.width"]),
    "wrong choice": ([*TRAIN, "--model.encoder", "gruu"], 2, ["model.encoder", "gru"]),
    "several faults": (
        [*TRAIN, "--model.widht", "8", "--model.fusion.order", "x", "--balancer.evry", "2"],
        2,
        ["model.widht", "model.fusion.order", "balancer.evry", "'every'"],
    ),
    "impossible numbers": (
        [*TRAIN, "--training.epochs", "0", "--training.batch_size", "0"],
        2,
        ["epochs", "batch_size"],
    ),
    "heads that do not divide": (
        [*TRAIN, "--model.width", "9", "--model.heads", "2", "--device", "cpu"],
        2,
        ["width=9"],
    ),
    "a missing value": ([*TRAIN, "--model.width"], 2, ["--model.width"]),
    "no seeds": ([*TRAIN, "--seeds", "0"], 2, ["--seeds"]),
    "seeds that are no number": ([*TRAIN, "--seeds", "many"], 2, ["seeds"]),
    "folder in use": (["train", "--data", "{corpus}", "--out", "{run}"], 2, ["already holds a run", "--resume"]),
    "missing corpus": (["train", "--data", "{tmp}/no.parquet", "--out", "{tmp}/r"], 1, ["no.parquet"]),
    "show a missing corpus": (["data", "show", "{tmp}/no.parquet"], 1, ["no.parquet"]),
    "validate a missing corpus": (["data", "validate", "{tmp}/no.parquet"], 1, ["no.parquet"]),
    "not a Parquet file": (["data", "show", "{junk}"], 1, ["junk.parquet"]),
    "train on junk": (["train", "--data", "{junk}", "--out", "{tmp}/r"], 1, ["junk.parquet"]),
    "validate junk": (["data", "validate", "{junk}"], 1, ["junk.parquet"]),
    "a folder as corpus": (["data", "show", "{tmp}"], 1, []),
    "import from nowhere": (
        [
            "data",
            "import",
            "{tmp}/no.npz",
            "{tmp}/t.parquet",
            "--format",
            "arrays",
            "--columns",
            "conversation_id=a",
            "--features",
            "text=b",
            "--labels",
            "x,y",
        ],
        1,
        ["no.npz"],
    ),
    "import without a format": (["data", "import", "a", "b"], 2, ["--format"]),
    "import with an unknown format": (["data", "import", "a", "b", "--format", "sdd"], 2, ["sdt"]),
    "a bad pair": (["data", "import", "a", "b", "--format", "arrays", "--columns", "x"], 2, ["name=value"]),
    "bad numbers": (["data", "synthesize", "{tmp}/t.parquet", "--widths", "text=four"], 2, ["widths"]),
    "impossible corpus": (["data", "synthesize", "{tmp}/t.parquet", "--noise", "-1"], 2, ["noise"]),
    "missing configuration": ([*TRAIN, "--config", "{tmp}/no.yaml"], 2, ["no.yaml"]),
    "bad JSON": (["predict", "{run}", "{json}"], 1, ["bad.json"]),
    "missing conversation": (["predict", "{run}", "{tmp}/no.json"], 1, ["no.json"]),
    "neither corpus nor conversation": (["predict", "{run}", "{junk}.vtt"], 2, [".parquet", "crossspace analyze"]),
    "conversation without features": (["predict", "{run}", "{words}"], 1, ["words.json", "crossspace analyze"]),
    "predictions over their corpus": (["predict", "{run}", "{corpus}", "--out", "{corpus}"], 2, ["would be lost"]),
    "scores over the corpus": (["evaluate", "{run}", "{corpus}", "--out", "{corpus}"], 2, [".json"]),
    "scores over those of the run": (["evaluate", "{run}", "{corpus}", "--out", "{run}/results.json"], 2, ["results"]),
    "analysis over its transcript": (["analyze", "{json}", "--out", "{json}"], 2, ["would be lost"]),
    "missing model": (["predict", "{tmp}/no", "{corpus}", "--out", "{tmp}/p.csv"], 1, ["no"]),
    "an option of the training": ([*TRAIN, "--epochs", "3"], 2, ["--training.epochs"]),
    "a misspelt option of the training": ([*TRAIN, "--epoch", "3"], 2, ["--training.epochs"]),
    "what others call an option of the training": ([*TRAIN, "--lr", "3"], 2, ["--training.learning_rate"]),
    "what others call an option": ([*TRAIN, "--gpu"], 2, ["Did you mean '--device'?"]),
    "an option that nothing resembles": ([*TRAIN, "--xylophone", "x"], 2, ["'crossspace train --help all'"]),
    "an option of a model": ([*TRAIN, "--heads", "3"], 2, ["--model.heads"]),
    "an option of a study's training": (
        ["study", "run", "fusions", "--data", "{corpus}", "--out", "o", "--learning-rate", "1"],
        2,
        ["--training.learning_rate"],
    ),
    "an option of another command": ([*TRAIN, "--trials", "3"], 2, ["'crossspace tune'"]),
    "a near option": ([*TRAIN, "--proceses", "3"], 2, ["--processes"]),
    "tables that are extracted": (["data", "import", "a", "b", "--format", "meld"], 2, ["crossspace extract"]),
    "an option that the ending replaces": (["analyze", "a.vtt", "--format", "csv"], 2, ["--out FILE.csv"]),
    "a document": (["analyze", "{tmp}/talk.pdf"], 1, ["a PDF document", "plain text"]),
    "an office document": (["analyze", "{tmp}/talk.xlsx"], 1, ["an Office document", "plain text"]),
    "a document without words": (["analyze", "{tmp}/talk.docx"], 1, ["talk.docx should hold utterances"]),
    "a document to extract": (["extract", "{tmp}/talk.pdf", "{tmp}/t.parquet"], 1, ["a PDF document"]),
    "an address": (["analyze", "https://example.org/a.mp4"], 2, ["https://example.org/a.mp4", "Download"]),
    "an address to import": (
        ["data", "import", "s3://bucket/a.npz", "t.parquet", "--format", "arrays"],
        2,
        ["s3://bucket/a.npz"],
    ),
    "a split said before the model is looked for": (
        ["predict", "{tmp}/no", "{corpus}", "--split", "tset"],
        2,
        ["'tset'"],
    ),
    "a corpus said before the model is looked for": (["predict", "{tmp}/no", "{junk}"], 1, ["junk.parquet"]),
    "unknown file type": (["predict", "{run}", "{corpus}", "--out", "{tmp}/p.xls"], 2, ["p.xls", ".csv"]),
    "unknown split": (
        ["predict", "{run}", "{corpus}", "--split", "tset", "--out", "{tmp}/p.csv"],
        2,
        ["'tset'", "'test'"],
    ),
    "evaluate nothing": (["evaluate", "{tmp}/no", "{corpus}"], 1, ["no"]),
    "evaluate an unknown split": (["evaluate", "{run}", "{corpus}", "--split", "tset"], 2, ["'test'"]),
    "report of nothing": (["report", "{tmp}/no"], 1, ["no"]),
    "report of an empty folder": (["report", "{tmp}"], 1, ["environment.json"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_a_message_and_an_exit_code(
    run: Run, mistake: str, corpus_file: Path, finished_run: Path, tmp_path: Path
) -> None:
    junk, bad = tmp_path / "junk.parquet", tmp_path / "bad.json"
    junk.write_bytes(b"PAR1 this is not Parquet")
    (tmp_path / "talk.pdf").write_bytes(b"%PDF-1.7\n")
    with zipfile.ZipFile(tmp_path / "talk.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    with zipfile.ZipFile(tmp_path / "talk.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    bad.write_text('{"utterances": [')
    said = tmp_path / "words.json"
    said.write_text('{"utterances": [{"speaker": "Ada", "text": "No features here.", "features": {"txet": [1]}}]}')
    words, code, named = MISTAKES[mistake]
    places = {"tmp": tmp_path, "corpus": corpus_file, "run": finished_run, "junk": junk, "json": bad, "words": said}
    found = run(*(w.format(**places) for w in words))
    assert found.code == code, found.err
    assert found.err.startswith("crossspace: ") or "\ncrossspace: " in found.err
    for name in named:
        assert name in found.err
    assert not (tmp_path / "r" / "config.yaml").exists() or mistake == "heads that do not divide"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("model: css\n", ["model"]),
        ("model: {name: [css]}\n", ["model"]),
        ("- 1\n", ["sections"]),
        ("model: {width: [1\n", ["c.yaml"]),
        ("modle: {width: 8}\n", ["modle", "'model'"]),
        ("seeds: none\n", ["seeds"]),
        ("seeds: [a]\n", ["seeds"]),
        ("training: 5\n", ["training"]),
        ("model: {width: {a: 1}}\ntraining: {epochs: x}\n", ["model.width", "training.epochs"]),
    ],
)
def test_a_configuration_file_with_mistakes_gets_a_message(
    run: Run, content: str, named: list[str], corpus_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(content)
    found = run("train", "--data", corpus_file, "--out", tmp_path / "r", "--config", tmp_path / "c.yaml")
    assert found.code == 2, found.err
    for name in named:
        assert name in found.err


def test_numbers_may_be_written_with_an_exponent(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    words = ["--training.learning_rate", "1e-3", "--training.clip", "null", "--training.class_weights", "[1, 2, 3, 4]"]
    assert run("train", "--data", corpus_file, "--out", tmp_path / "r", *TINY, *words, "--quiet").code == 0
    found = yaml.safe_load((tmp_path / "r" / "config.yaml").read_text())["training"]
    assert (found["learning_rate"], found["clip"], found["class_weights"]) == (0.001, None, [1.0, 2.0, 3.0, 4.0])


def test_resume_needs_nothing_but_the_folder(run: Run, finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    (tmp_path / "run" / "results.json").unlink()
    found = run("train", "--out", tmp_path / "run", "--resume", "--quiet", "--device", "cpu")
    assert found.code == 0, found.err
    assert (tmp_path / "run" / "results.json").read_text() == (finished_run / "results.json").read_text()


def test_a_model_and_a_corpus_that_do_not_fit_are_both_named(run: Run, finished_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    run(
        "data", "synthesize", other, "--train", 1, "--validation", 1, "--test", 1, "--widths", "text=9,audio=3,visual=2"
    )
    for words in (["predict", finished_run, other, "--out", tmp_path / "p.csv"], ["evaluate", finished_run, other]):
        found = run(*words)
        assert found.code == 1 and "expects 4 features, the corpus has 9" in found.err
    assert not (tmp_path / "p.csv").exists()


def test_best_on_test_is_marked_on_the_terminal(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    words = ["--training.protocol", "best-on-test", "--quiet"]
    found = run("train", "--data", corpus_file, "--out", tmp_path / "r", *TINY, *words)
    assert "best-on-test (test split chose the epoch)" in " ".join(found.out.split())
    assert "best-on-test" in run("evaluate", tmp_path / "r", corpus_file).out
    assert "test F1" in run("train", "--data", corpus_file, "--out", tmp_path / "s", *TINY, *words[:-1]).err
    told = (tmp_path / "r" / "history.jsonl").read_text() + json.dumps(
        json.loads(_environment(tmp_path / "r"))["chosen"]
    )
    assert '"split": "test"' in told and '"chosen_on": "test"' in told and "validation" not in told


def _environment(run_folder: Path) -> str:
    return (run_folder / "environment.json").read_text(encoding="utf-8")


def test_the_best_that_is_possible_stands_beside_the_score(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    best = f"{100 * Corpus.read(corpus_file).ceilings['test']:.2f}"
    trained = run("train", "--data", corpus_file, "--out", tmp_path / "r", *TINY, "--quiet")
    for said in (trained.out, run("evaluate", tmp_path / "r", corpus_file).out):
        assert re.search(rf"accuracy.*{re.escape(best)}", said) and "best possible" in said
    for name in ("report.html", "report.md"):
        text = (tmp_path / "r" / name).read_text(encoding="utf-8")
        assert "est possible" in text and best in text


def test_an_emotion_that_training_never_shows_is_warned_of_everywhere(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 48)
    label[40:] = 3  # occurs in the test split alone
    np.savez(
        tmp_path / "f.npz", who=np.repeat([f"d{i}" for i in range(12)], 4), label=label,
        part=np.repeat(["train", "val", "test"], [32, 8, 8]), words=rng.normal(size=(48, 4)).astype(np.float32),
    )  # fmt: skip
    columns = ["--columns", "conversation_id=who,label=label,split=part", "--labels", "joy,anger,calm,fear"]
    corpora = {name: tmp_path / f"{name}.parquet" for name in ("text", "gaze")}
    for name, path in corpora.items():
        features = "text=words" if name == "text" else "text=words,gaze=words"
        words = ["data", "import", tmp_path / "f.npz", path, "--format", "arrays", *columns, "--features", features]
        assert run(*words).code == 0
    trained = run("train", "--data", corpora["text"], "--out", tmp_path / "r", *TINY, "--quiet")
    evaluated = run("evaluate", tmp_path / "r", corpora["gaze"], "--out", tmp_path / "s.json")
    pages = [(tmp_path / "r" / name).read_text(encoding="utf-8") for name in ("report.html", "report.md")]
    for said in (trained.out, evaluated.out, *pages):
        assert "Warning: Never seen in training. " in said or "Warning. Never seen in training" in said
        assert "fear (8 utterances)" in " ".join(said.split())
    assert "Note: The model does not use gaze of the corpus." in evaluated.out
    assert "Note: The model does not use gaze of the corpus." in json.loads((tmp_path / "s.json").read_text())["notes"]


def test_a_folder_that_cannot_be_written_is_told(
    run: Run, finished_run: Path, corpus_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    found = run("predict", finished_run, corpus_file, "--out", tmp_path / "file" / "p.csv")
    assert found.code == 1 and "p.csv" in found.err
    found = run("train", "--data", corpus_file, "--out", tmp_path / "file", *TINY)
    assert found.code in (1, 2) and "file" in found.err


def test_studies_are_listed_and_their_actions_have_help(run: Run) -> None:
    listed = run("list", "studies").out
    assert "css-components" in listed and "what each component of CSS contributes" in listed
    for action in ("run", "report"):
        assert action in run("study", "--help").out
        assert f"usage: crossspace study {action}" in run("study", action, "--help").out
    assert "Did you mean 'report'" in run("study", "reprot").err


def test_mistakes_of_a_study_are_told_before_anything_is_written(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    out = ["--out", tmp_path / "study", "--quiet"]
    found = run("study", "run", "css-component", "--data", corpus_file, *out)
    assert found.code == 2 and "Did you mean 'css-components'" in found.err
    found = run("study", "run", "css-components", "--data", tmp_path / "none.parquet", *out)
    assert found.code == 1 and "none.parquet" in found.err
    found = run("study", "run", "css-components", "--data", corpus_file, *out, "--training.epoch", 3)
    assert found.code == 2 and found.err.count("Unknown argument 'training.epoch'") == 8
    found = run("study", "run", "css-components", "--data", corpus_file, *out, "--setings", "meld")
    assert found.code == 2 and "Did you mean '--settings'" in found.err
    assert not (tmp_path / "study").exists()
