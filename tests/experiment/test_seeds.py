"""Several seeds at a time: the run of one after the other, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import crossspace.experiment.run as run_module
from crossspace.cli.main import main

WORDS = ["--quiet", "--device", "cpu", "--seeds", "3", "--model.width=8", "--model.heads=2", "--training.batch_size=3"]


def words(corpus: Path, out: Path, *more: str) -> list[str]:
    return ["train", "--data", str(corpus), "--out", str(out), "--training.epochs=2", *WORDS, *more]


def assert_same(one: Path, other: Path) -> None:
    names = ["results.json", "predictions.parquet", *(f"seed-{seed}/model.safetensors" for seed in range(3))]
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.fixture(scope="module", autouse=True)
def no_report() -> Iterator[None]:
    """Spares the drawing of figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "write_report", lambda folder: (folder / "report.html").write_text("report"))
        yield


@pytest.fixture(scope="module")
def turns(corpus_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose seeds were trained one after the other."""
    out = tmp_path_factory.mktemp("seeds") / "turns"
    assert main(words(corpus_file, out)) == 0
    return out


@pytest.mark.long
def test_seeds_at_a_time_give_the_run_of_one_after_the_other(corpus_file: Path, turns: Path, tmp_path: Path) -> None:
    assert main(words(corpus_file, tmp_path / "at-once", "--jobs", "2")) == 0
    assert_same(turns, tmp_path / "at-once")


@pytest.mark.long
@pytest.mark.usefixtures("only_the_box")
def test_a_seed_whose_process_dies_is_named_and_the_others_are_kept(
    corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tmp_path / "dying.py"
    code.write_text(
        "import os, signal, torch\n"
        "from crossspace.balance import FixedWeights\n\n"
        "class Dying(FixedWeights):\n"
        '    """Kills the process that trains seed 1, as the system does where memory is short."""\n\n'
        '    name = "dying"\n\n'
        "    def begin_epoch(self, epoch):\n"
        f"        if torch.initial_seed() == 1_000_003 * 1_009 and os.path.exists({str(tmp_path / 'armed')!r}):\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    given = ["--import", str(code), "--balancer", "dying", "--jobs", "2"]
    (tmp_path / "armed").touch()
    assert main(words(corpus_file, tmp_path / "run", *given)) == 1
    said = capsys.readouterr().err
    assert "1 of 3 seeds" in said and "Seed 1: " in said and "--resume" in said and "Traceback" not in said
    kept = (tmp_path / "run" / "seed-2" / "model.safetensors").stat().st_mtime_ns
    (tmp_path / "armed").unlink()
    assert main(["train", "--out", str(tmp_path / "run"), "--resume", "--quiet", "--import", str(code)]) == 0
    assert (tmp_path / "run" / "seed-2" / "model.safetensors").stat().st_mtime_ns == kept
    assert len(list((tmp_path / "run").glob("seed-*/model.safetensors"))) == 3


_KILLED_AT_THE_FOURTH_EVENT = """
import os, signal, sys
from crossspace.cli.main import main
from crossspace.cli.progress import TrainingProgress

seen = []


def show(self, seed, event):
    seen.append(event)
    if len(seen) == 4:
        os.kill(os.getpid(), signal.SIGKILL)


TrainingProgress.show = show
main(sys.argv[1:])
"""


@pytest.mark.long
def test_killed_and_resumed_it_is_the_run_of_one_after_the_other(
    corpus_file: Path, turns: Path, tmp_path: Path
) -> None:
    given = words(corpus_file, tmp_path / "killed", "--jobs", "2", "--checkpoint-seconds", "0")
    done = subprocess.run([sys.executable, "-c", _KILLED_AT_THE_FOURTH_EVENT, *given], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL and not (tmp_path / "killed" / "results.json").exists()
    # A process that it began may still be at its last step.
    assert any(main([*given, "--resume"]) == 0 for _ in range(20))
    assert_same(turns, tmp_path / "killed")


@pytest.mark.parametrize(
    ("given", "message"), [(["--jobs", "0"], "at least 1"), (["--jobs", "2", "--processes", "2"], "leave one of both")]
)
def test_what_cannot_be_is_refused(
    given: list[str], message: str, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(corpus_file, tmp_path / "run", *given)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
