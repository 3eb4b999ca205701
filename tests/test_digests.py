"""What left the training is checked when it comes back, and nothing that is not finite leaves."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from crossspace.batching.batch import Batch
from crossspace.cli.main import main
from crossspace.data.task import TaskSpec
from crossspace.digests import SUMS, check_sums, write_sums
from crossspace.errors import CrossspaceError, DataError
from crossspace.evaluation.run_folder import RunRecord
from crossspace.inference.infer import infer
from crossspace.models import MODELS, Model


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


@pytest.fixture
def saved(task: TaskSpec, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    MODELS["css"](task, width=8, heads=2, fusion={"order": 2, "rank": 4}).save(tmp_path / "model")
    return tmp_path / "model"


def test_a_flipped_bit_of_a_model_changes_no_answer_silently(
    saved: Path, task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4, 2))
    expected = Model._from_pretrained(model_id=str(saved))(batch).logits
    draw = random.Random(0)
    for name, times in (("model.safetensors", 120), ("config.json", 60)):
        whole = (saved / name).read_bytes()
        refused = 0
        for _ in range(times):
            flip(saved / name, draw.randrange(8 * len(whole)))
            try:
                found = Model._from_pretrained(model_id=str(saved))
            except CrossspaceError as error:
                refused += str(saved / name) in str(error)
            else:  # a bit of the name of the digest, or of blanks
                assert torch.equal(found(batch).logits, expected) and found.task == task
            (saved / name).write_bytes(whole)
        assert refused > 0.9 * times


def test_saving_the_same_model_twice_writes_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    Model._from_pretrained(model_id=str(saved)).save(tmp_path / "again")
    for name in ("model.safetensors", "config.json"):
        assert (saved / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_model_of_an_earlier_release_states_no_digest_and_is_read(saved: Path) -> None:
    save_file(load_file(saved / "model.safetensors"), saved / "model.safetensors")
    Model._from_pretrained(model_id=str(saved))


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "finite numbers"), (3e38, "no finite probabilities")])
def test_weights_that_give_no_finite_answer_give_none(
    saved: Path, task: TaskSpec, make_batch: Callable[..., Batch], value: float, said: str
) -> None:
    weights = {name: torch.full_like(values, value) for name, values in load_file(saved / "model.safetensors").items()}
    save_file(weights, saved / "model.safetensors")
    with pytest.raises(DataError, match=said):
        infer(Model._from_pretrained(model_id=str(saved)), [make_batch(task, (3,))])


def test_a_forged_width_is_refused_before_its_memory_is_asked_for(saved: Path) -> None:
    config = (saved / "config.json").read_text()
    (saved / "config.json").write_text(config.replace('"width": 8', '"width": 1048576'))
    with pytest.raises(CrossspaceError, match="does not fit"):
        Model._from_pretrained(model_id=str(saved))


def test_a_flipped_bit_of_a_finished_run_is_told_by_report_and_resume(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder, ignore=shutil.ignore_patterns("figures"))
    RunRecord.read(folder)
    draw = random.Random(1)
    names = ("predictions.parquet", "results.json", "environment.json", "history.jsonl", "config.yaml", SUMS)
    for name in names:
        whole = (folder / name).read_bytes()
        for _ in range(8):
            flip(folder / name, draw.randrange(8 * len(whole)))
            with pytest.raises(DataError, match=r"changed or damaged|is damaged|is missing"):
                RunRecord.read(folder)
            (folder / name).write_bytes(whole)
    flip(folder / "predictions.parquet", 800)
    before = (folder / "report.html").read_bytes()
    assert main(["report", str(folder)]) == 1
    assert "predictions.parquet was changed" in capsys.readouterr().err
    assert (folder / "report.html").read_bytes() == before


def test_the_digests_are_those_of_sha256sum(finished_run: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("there is no sha256sum")
    assert subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=finished_run, check=False).returncode == 0


def test_digests_may_name_nothing_outside_their_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    write_sums(tmp_path, ["a", "absent"])
    check_sums(tmp_path)
    digest = (tmp_path / SUMS).read_text()[:64]
    (tmp_path / SUMS).write_text(f"{digest}  ../a\n")
    with pytest.raises(DataError, match="line 1"):
        check_sums(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.json", "[]"),
        (
            "results.json",
            '{"protocol": "validation", "split": 7, "seeds": 3, "metrics": [], "per_class": 1, "confusion": 2}',
        ),
        ("environment.json", '{"seeds": [0], "corpus": {"labels": 5}, "model": null}'),
        ("environment.json", "\ud800".encode("utf-8", "surrogatepass")),
        ("history.jsonl", '{"kind": "step", "seed": [], "step": {}, "losses": 4}'),
        ("history.jsonl", "[" * 100_000),
        ("predictions.parquet", "PAR1"),
    ],
)
def test_a_run_without_digests_that_was_damaged_ends_in_a_refusal_that_names_it(
    finished_run: Path, tmp_path: Path, name: str, content: str | bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder, ignore=shutil.ignore_patterns("figures", SUMS))
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["report", str(folder)]) == 1
    said = capsys.readouterr().err
    assert str(folder) in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("corpus.json", "{}"),
        ("corpus.json", "["),
        ("config.yaml", "[" * 3000),
        ("seed-0/result.json", '{"seed": null}'),
    ],
)
def test_a_damaged_run_folder_is_refused_when_it_is_gone_on_with(
    finished_run: Path, tmp_path: Path, name: str, content: str, corpus_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder, ignore=shutil.ignore_patterns("figures", "report.*", SUMS))
    (folder / name).write_text(content)
    assert main(["train", "--out", str(folder), "--data", str(corpus_file), "--resume", "--device", "cpu"]) in (1, 2)
    assert name.rpartition("/")[2] in capsys.readouterr().err
