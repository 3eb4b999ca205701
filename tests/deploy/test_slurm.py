"""The script for Slurm asks for all shares of an extraction and for the merge after them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

# It runs at once what Slurm would put into a queue.
SBATCH = """
for word; do case $word in
    --array=*) tasks=$(echo "$word" | sed 's/--array=//; s/-/ /') ;;
    --parsable) echo 4242 ;;
esac; done
while [ "${1#--}" != "$1" ]; do shift; done
[ -z "$tasks" ] && exec bash "$@"
for task in $(seq $tasks); do SLURM_ARRAY_TASK_ID=$task SLURM_CPUS_PER_TASK=4 bash "$@"; done
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(["bash", "-e", "-c", script], cwd=root, capture_output=True, text=True)


def test_the_commands_in_its_head_do_every_share_and_then_merge(
    said_in: Callable[[str], str],
    stand_ins: Callable[..., Any],
    check_extraction: Callable[[list[list[str]], int], None],
) -> None:
    calls = stand_ins(crossspace="", sbatch=SBATCH)
    assert run(said_in("slurm.sh")).stderr == ""
    assert calls("sbatch")[1][0] == "--dependency=afterany:4242"
    check_extraction(calls("crossspace"), 16)
    assert all(words[5:] == ["--jobs", "4", "--quiet"] for words in calls("crossspace")[:-1])


def test_a_share_that_fails_is_a_task_that_fails(stand_ins: Callable[..., Any], deploy: Path) -> None:
    stand_ins(crossspace="exit 3")
    assert run(f"SLURM_ARRAY_TASK_ID=2 bash '{deploy}/slurm.sh' a.csv b.parquet 4").returncode == 3
    missing = run(f"SLURM_ARRAY_TASK_ID=2 bash '{deploy}/slurm.sh' a.csv b.parquet")
    assert missing.returncode != 0 and "unbound variable" in missing.stderr


def test_it_is_a_script_that_slurm_reads_options_of(deploy: Path) -> None:
    assert subprocess.run(["bash", "-n", str(deploy / "slurm.sh")], check=False).returncode == 0
    text = (deploy / "slurm.sh").read_text()
    commands = next(at for at, line in enumerate(text.splitlines()) if line and not line.startswith("#"))
    options = [at for at, line in enumerate(text.splitlines()) if re.match(r"#SBATCH --\S+=\S+$", line)]
    assert len(options) == 5 and max(options) < commands  # behind the first command Slurm reads no more
