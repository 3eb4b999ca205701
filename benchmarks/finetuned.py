"""``python -m benchmarks.finetuned``: frozen, in-sample and cross-fitted features of texts, under several models.

On a corpus with texts, official splits and frozen ``minilm`` features (``crossspace extract --text minilm``). Encoders
are fine-tuned with cross-fitting, one set for each encoder seed; in-sample features come from the very encoders of all
training conversations. The study ``text-context`` is run on each kind of features, five seeds each. The heads of
encoders that read single utterances, and of others that read six earlier turns, are tested beside them. What was done
already is not done again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.data.corpus import Corpus
from crossspace.evaluation.aggregate import aggregate, counts_of
from crossspace.evaluation.comparison import Comparison, compare_all
from crossspace.evaluation.leak_probe import leak_probes
from crossspace.features.finetuned.saved import SavedEncoder
from crossspace.features.finetuned.settings import FineTuning
from crossspace.finetuning.featured import Featured
from crossspace.finetuning.plan import Plan
from crossspace.finetuning.run import FEATURES, PLAN, PREDICTIONS, finetune
from crossspace.finetuning.training import train_parts
from crossspace.runtime import write_text

SETTINGS = FineTuning(adapters=32, adapted="all", epochs=2, precision="bf16")
CONTEXT = replace(SETTINGS, context_turns=6, tokens=96)
"""Chosen on the validation split of MELD, see the page of results."""
MODELS = ("css", "without-context", "logistic-regression-unweighted", "logistic-regression")
KINDS = ("frozen", "in-sample", "cross-fitted")


def encoders(corpus: Path, out: Path, seeds: Sequence[int], jobs: int, threads: int) -> dict[str, float]:
    """Fine-tune; returns the seconds of each part that was not there yet."""
    took: dict[str, float] = {}
    plan = Plan(corpus, settings=SETTINGS, seeds=seeds)
    began = time.monotonic()
    finetune(plan, out / "cross-fitted", jobs=jobs, threads=threads)
    took["cross-fitted"] = time.monotonic() - began
    alone = replace(plan, folds=0)
    if not (out / "in-sample" / PLAN).exists():
        # The same encoders: those of all training conversations do not know of the folds.
        for seed in seeds:
            own = f"seed-{seed}/all"
            shutil.copytree(out / "cross-fitted" / own, out / "in-sample" / own, dirs_exist_ok=True)
        write_text(out / "in-sample" / PLAN, json.dumps(alone.stated(Corpus.read(corpus)), indent=2) + "\n")
    finetune(alone, out / "in-sample", threads=threads)
    began = time.monotonic()
    _context_heads(replace(alone, settings=CONTEXT), out / "context", jobs, threads)
    took["context"] = time.monotonic() - began
    return took


def _context_heads(plan: Plan, folder: Path, jobs: int, threads: int) -> None:
    """What heads say that read earlier turns: only the test split is encoded, since no model is trained on it."""
    if (folder / PREDICTIONS).exists():
        return
    corpus = Corpus.read(plan.corpus)
    parts = plan.parts(corpus)
    train_parts(plan, corpus, folder, parts, jobs=jobs, threads=threads, device="cpu", on_progress=lambda _: None)
    tests = Corpus({"test": list(corpus.split("test"))}, corpus.spec, name=corpus.name)
    tables = []
    for seed in plan.seeds:
        own = [part for part in parts if part.seed == seed]
        tables.append(Featured(tests, plan, folder / f"seed-{seed}", own).predictions("test", seed))
    pq.write_table(pa.concat_tables(tables), folder / PREDICTIONS)


def studies(corpus: Path, out: Path, settings: str, encoder_seeds: Sequence[int], seeds: int, jobs: int) -> None:
    """The study on each kind of features."""
    for name, data in _corpora(corpus, out, encoder_seeds).items():
        where = out / "studies" / name
        command = [sys.executable, "-m", "crossspace", "study", "run", "text-context", "--data", str(data)]
        options = ["--settings", settings, "--seeds", str(seeds), "--jobs", str(jobs), "--out", str(where), "--quiet"]
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)


def _corpora(corpus: Path, out: Path, encoder_seeds: Sequence[int]) -> dict[str, Path]:
    found = {"frozen": corpus}
    for kind in KINDS[1:]:
        found |= {f"{kind}-{seed}": out / kind / f"seed-{seed}" / FEATURES for seed in encoder_seeds}
    return found


def results(corpus: Path, out: Path, encoder_seeds: Sequence[int]) -> dict[str, Any]:
    """Scores of every model on every kind of features, and what can be told apart."""
    labels = Corpus.read(corpus).spec.labels
    tables: dict[str, pa.Table] = {}
    validation: dict[str, list[float]] = {}
    for model in MODELS:
        for kind in KINDS:
            names = ["frozen"] if kind == "frozen" else [f"{kind}-{seed}" for seed in encoder_seeds]
            runs = [out / "studies" / name / "runs" / model for name in names]
            tables[f"{model}, {kind}"] = _together([run / PREDICTIONS for run in runs])
            validation[f"{model}, {kind}"] = [s for run in runs for s in _chosen(run)]
    for name, folder in (("head", "cross-fitted"), ("head, six earlier turns", "context")):
        tables[name] = pq.read_table(out / folder / PREDICTIONS)
        saved = [SavedEncoder.read(out / folder / f"seed-{seed}" / "all") for seed in encoder_seeds]
        validation[name] = [float(one.best["score"]) for one in saved]
    scored = {name: aggregate(table, labels, protocol="validation") for name, table in tables.items()}
    counts = {name: counts_of(table, labels)[2] for name, table in tables.items()}
    questions = {
        "cross-fitted minus frozen": [(f"{m}, cross-fitted", f"{m}, frozen") for m in MODELS],
        "cross-fitted minus in-sample": [(f"{m}, cross-fitted", f"{m}, in-sample") for m in MODELS],
        "context minus none (CSS)": [(f"css, {k}", f"without-context, {k}") for k in KINDS],
        "head with six earlier turns minus alone": [("head, six earlier turns", "head")],
    }
    return {
        "scores": {
            name: {
                "validation": float(np.mean(validation[name])),
                "test": found["metrics"],
                "per_class": {label: found["per_class"][label]["f1"]["mean"] for label in labels},
            }
            for name, found in scored.items()
        },
        "differences": {
            question: {one: _plain(_compared(counts[one], counts[other])) for one, other in pairs}
            for question, pairs in questions.items()
        },
        "probes": {
            name: {"scores": probe.scores, "gaps": probe.gaps}
            for name, path in _corpora(corpus, out, encoder_seeds[:1]).items()
            for probe in leak_probes(Corpus.read(path))
        },
    }


def _together(paths: Sequence[Path]) -> pa.Table:
    """The predictions of several runs as those of one with more seeds."""
    tables = []
    for number, path in enumerate(paths):
        table = pq.read_table(path)
        # Those of all runs in turn, so that the first few are of each.
        seeds = pa.array(100 * np.asarray(table["seed"]) + number)
        tables.append(table.set_column(table.column_names.index("seed"), "seed", seeds))
    return pa.concat_tables(tables)


def _chosen(run: Path) -> list[float]:
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    return [float(seed["best_score"]) for seed in environment["chosen"]]


def _compared(one: np.ndarray, other: np.ndarray) -> Comparison:
    # As many trainings of each: the first ones of that which has more.
    count = min(len(one), len(other))
    return compare_all(other[:count], {"one": one[:count]})["one"]


def _plain(found: Comparison) -> dict[str, Any]:
    return {"difference": found.difference, "interval": found.interval, "p": found.p_value}


def report(found: dict[str, Any]) -> str:
    """The tables in Markdown."""
    lines = ["| model and features | validation | test | 95 % | trainings |", "|---|---:|---:|---:|---:|"]
    for name, one in found["scores"].items():
        metric = one["test"]["weighted_f1"]
        spread = "" if metric["std"] is None else f" ± {100 * metric['std']:.2f}"
        low, high = metric["interval"]
        lines.append(
            f"| {name} | {100 * one['validation']:.2f} | {100 * metric['mean']:.2f}{spread} | {100 * low:.1f} to "
            f"{100 * high:.1f} | {len(metric['values'])} |"
        )
    for question, pairs in found["differences"].items():
        lines += ["", f"| {question} | difference | 95 % | p |", "|---|---:|---:|---:|"]
        for name, one in pairs.items():
            low, high = one["interval"]
            lines.append(
                f"| {name} | {100 * one['difference']:+.2f} | {100 * low:+.2f} to {100 * high:+.2f} | {one['p']:.3f} |"
            )
    lines += ["", "| features | train, held out | validation | test |", "|---|---:|---:|---:|"]
    for name, probe in found["probes"].items():
        lines.append(f"| {name} | " + " | ".join(f"{100 * x:.1f}" for x in probe["scores"].values()) + " |")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Fine-tune, study, compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetuned", description=__doc__)
    parser.add_argument("corpus", type=Path, help="corpus file with texts and frozen minilm features")
    parser.add_argument("--settings", choices=("meld", "emorynlp"), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder-seeds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(words)
    given.out.mkdir(parents=True, exist_ok=True)
    seeds = tuple(range(given.encoder_seeds))
    took = encoders(given.corpus, given.out, seeds, given.jobs, given.threads)
    began = time.monotonic()
    studies(given.corpus, given.out, given.settings, seeds, given.seeds, given.jobs)
    took["studies"] = time.monotonic() - began
    found = results(given.corpus, given.out, seeds)
    before = given.out / "seconds.json"
    known = json.loads(before.read_text(encoding="utf-8")) if before.exists() else {}
    # A part that was there already takes a second and says nothing.
    write_text(before, json.dumps({k: max(v, known.get(k, 0.0)) for k, v in took.items()}, indent=2) + "\n")
    write_text(given.out / "results.json", json.dumps(found, indent=2) + "\n")
    write_text(given.out / "report.md", report(found))
    print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
