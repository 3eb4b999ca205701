"""One line of a central formula changed at a time: does a test notice?

``python -m benchmarks.mutations`` copies the package, changes one line, runs the tests that should hold it and reports
whether one of them failed. A mutation that survives is a formula that nothing holds; the command then exits with 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutation:
    """A change of one line.

    Attributes:
        name: of the formula.
        file: in the package.
        line: as it is; it stands in the file exactly once.
        changed: what it becomes.
        tests: file that should notice.
    """

    name: str
    file: str
    line: str
    changed: str
    tests: str


MUTATIONS = (
    Mutation(
        "simplex",
        "balance/simplex.py",
        "slack = torch.stack([1 + c - a - b, 1 + b - a - c, 1 + a - b - c])",
        "slack = torch.stack([1 + c - a - b, 1 + b - a - c, 1 + a - b + c])",
        "balance/test_simplex.py",
    ),
    Mutation(
        "simplex, four and more",
        "balance/simplex.py",
        "weights[group] = weight / len(group)",
        "weights[group] = weight",
        "balance/test_simplex.py",
    ),
    Mutation(
        "Gram matrix",
        "balance/arithmetic.py",
        "for start in range(0, size, piece):",
        "for start in range(0, size - 1, piece):",
        "balance/test_gradients.py",
    ),
    Mutation(
        "gradient of the balanced sum",
        "balance/arithmetic.py",
        "result = part.mul_(factor) if result is None else result.addcmul_(part, factor)",
        "result = part.mul_(factor) if result is None else result.add_(part)",
        "balance/test_gradients.py",
    ),
    Mutation(
        "Holm",
        "evaluation/comparison.py",
        "steps = np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0)",
        "steps = np.minimum(p[order] * len(p), 1.0)",
        "evaluation/test_comparison.py",
    ),
    Mutation(
        "permutation test",
        "evaluation/comparison.py",
        "difference = value(totals[1] - moved) - value(totals[0] + moved)",
        "difference = value(totals[1] - moved) - value(totals[0])",
        "evaluation/test_comparison.py",
    ),
    Mutation(
        "corrected interval",
        "evaluation/comparison.py",
        "reach = float(stats.t.isf(LEVEL / 2 / together, freedom)) * error",
        "reach = float(stats.t.isf(LEVEL / 2, freedom)) * error",
        "evaluation/test_comparison.py",
    ),
    Mutation(
        "causal mask",
        "nn/attention.py",
        "return F.scaled_dot_product_attention(q, k, v, is_causal=causal)",
        "return F.scaled_dot_product_attention(q, k, v)",
        "nn/test_attention.py",
    ),
    Mutation(
        "Shapley value",
        "inference/utterance_records.py",
        "weight = factorial(len(coalition)) * factorial(len(players) - len(coalition) - 1) / factorial(len(players))",
        "weight = 1 / 2 ** (len(players) - 1)",
        "test_predict.py",
    ),
    Mutation(
        "standardise",
        "nn/standardise.py",
        "variance = (second / count.clamp(min=1) - mean.square()).clamp(min=0)",
        "variance = (second / count.clamp(min=1)).clamp(min=0)",
        "nn/test_small_layers.py",
    ),
    Mutation(
        "bootstrap",
        "evaluation/bootstrap.py",
        "weights = _multiplicity(seeds, count) / seeds.shape[-1]",
        "weights = np.ones_like(_multiplicity(seeds, count)) / seeds.shape[-1]",
        "evaluation/test_bootstrap.py",
    ),
    Mutation(
        "split rule",
        "data/cuts/rules.py",
        'key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())',
        'key=lambda name: hashlib.sha256(f"{seed}{name}".encode()).digest())',
        "data/cuts/test_rules.py",
    ),
    Mutation(
        "averaging of weights",
        "training/trainer.py",
        "self.averaged.update_parameters(self.model)",
        "self.averaged.update_parameters(self.averaged.module)",
        "training/test_trainer.py",
    ),
    Mutation(
        "epoch of a fold",
        "tune/folds.py",
        '**dict.fromkeys(rule.choose(others), "validation"),',
        '**dict.fromkeys(held_out, "validation"),',
        "tune/test_search.py",
    ),
    Mutation(
        "digest of weights",
        "models/saved.py",
        "digest.update(values.reshape(-1).view(torch.uint8).numpy().data)",
        "digest.update(values.reshape(-1).view(torch.uint8).numpy().data[:8])",
        "test_digests.py",
    ),
)


def passes(folder: str, tests: Sequence[str]) -> bool:
    """Whether these tests pass with the package in ``folder``."""
    files = [str(ROOT / "tests" / name) for name in tests]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    environment = {**os.environ, "PYTHONPATH": folder}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode == 0


def survives(mutation: Mutation) -> bool:
    """Whether the tests pass although the line is changed.

    Raises:
        SystemExit: the line does not stand in the file once, so that this list is out of date.
    """
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "crossspace"
        shutil.copytree(ROOT / "src" / "crossspace", package, ignore=shutil.ignore_patterns("__pycache__"))
        path = package / mutation.file
        text = path.read_text(encoding="utf-8")
        if text.count(mutation.line) != 1:
            raise SystemExit(f"{mutation.name}: its line should stand once in {mutation.file}. Mend this list.")
        path.write_text(text.replace(mutation.line, mutation.changed), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            str(ROOT / "tests" / mutation.tests),
        ]
        environment = {**os.environ, "PYTHONPATH": folder}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode == 0


def main() -> int:
    """Try the mutations and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only mutations whose name contains one of these")
    given = parser.parse_args()
    if not passes(str(ROOT / "src"), sorted({m.tests for m in MUTATIONS})):
        raise SystemExit("The tests should pass as the package is. Mend that first: a failure now would mean nothing.")
    chosen = [m for m in MUTATIONS if not given.names or any(name in m.name for name in given.names)]
    surviving = 0
    for mutation in chosen:
        lives = survives(mutation)
        surviving += lives
        print(
            f"{'SURVIVES' if lives else 'killed':<9} {mutation.name} ({mutation.file}, by tests/{mutation.tests})",
            flush=True,
        )
    print(f"{len(chosen) - surviving} of {len(chosen)} killed")
    return 1 if surviving else 0


if __name__ == "__main__":
    sys.exit(main())
