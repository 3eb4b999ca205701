"""``python -m benchmarks.equal_chances``: as many settings for every model, from ranges of its own, on the same folds.

All start from the model's recipe ``<model>-mosi``. The first setting is the one that stood there before the search, the
others are drawn from the ranges of ``ranges.yaml``, none twice. Each is trained once per fold; its score is the mean
weighted F1 on the held-out videos. What is done stands in ``trials.jsonl``, and a search that was stopped goes on from
there. The test split of the corpus is read by nobody.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import yaml
from rich.console import Console

from benchmarks.equal_chances.folds import gap, write
from crossspace.configuration import Configuration, make_configuration
from crossspace.data.corpus import Corpus
from crossspace.engine.claim import claimed
from crossspace.engine.processes import Processes
from crossspace.engine.work import Done, Report, Work
from crossspace.layering import merge
from crossspace.recipes import read_recipe
from crossspace.training.devices import Devices
from crossspace.tune.folds import Folds

RANGES = Path(__file__).with_name("ranges.yaml")
SETTINGS = 8


@dataclass(frozen=True)
class Trial:
    """One setting of one model.

    Attributes:
        model: which.
        number: 0 for what stood in the recipe before the search.
        changes: ``{"section.argument": value}``, what is different from the recipe.
    """

    model: str
    number: int
    changes: Mapping[str, Any]

    def configuration(self) -> Configuration:
        """Complete."""
        trees = [_nested(name, value) for name, value in self.changes.items()]
        return make_configuration(merge([read_recipe(f"{self.model}-mosi"), *trees]), f"{self.model}-mosi")


def _nested(name: str, value: Any) -> dict[str, Any]:
    for part in reversed(name.split(".")):
        value = {part: value}
    return value


def draw(ranges: Mapping[str, Any], models: Sequence[str], settings: int) -> list[Trial]:
    """The trials of some models: the first, then points of the grid of its ranges, drawn without any repetition.

    Args:
        ranges: what stands in ``ranges.yaml``.
        models: which; all if there are none.
        settings: how many of each.
    """
    trials = []
    for model in models or ranges["models"]:
        own = {**ranges["common"], **ranges["models"][model]}
        points = [dict(zip(own, values, strict=True)) for values in product(*own.values())]
        first, order = ranges["first"][model], np.random.default_rng(0).permutation(len(points))
        changes = [first, *[points[i] for i in order if points[i] != first][: settings - 1]]
        trials += [Trial(model, number, c) for number, c in enumerate(changes)]
    return trials


class ProxyFolds(Folds):
    """Folds that are files already."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.seeds, self.devices = [0], Devices("cpu")
        self.corpora = [Corpus.read(path) for path in paths]


def _begin(paths: Sequence[Path]) -> ProxyFolds:
    return ProxyFolds(paths)


def _try(folds: ProxyFolds, item: tuple[Trial, Path], report: Report) -> list[float]:
    trial, folder = item
    return [folds.score(trial.configuration(), fold, folder) for fold in range(len(folds.corpora))]


def search(corpus: Path, folder: Path, models: Sequence[str], settings: int, jobs: int) -> list[dict[str, Any]]:
    """All trials, those of an earlier search included, each with its scores on the folds."""
    ranges = yaml.safe_load(RANGES.read_text(encoding="utf-8"))
    trials = draw(ranges, models, settings)
    with claimed(folder):
        paths = sorted(folder.glob("fold-*.parquet")) or write(Corpus.read(corpus), folder)
        record = folder / "trials.jsonl"
        done = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
        known = {(line["model"], line["number"]) for line in done}
        items = [(t, folder / "work" / f"{t.model}-{t.number}") for t in trials if (t.model, t.number) not in known]
        with Processes(Work(_begin, _try, paths, modules=("torch._dynamo",)), jobs, threads=1) as running:
            running.add(items)
            for event in running:
                line = {"model": event.item[0].model, "number": event.item[0].number, "changes": event.item[0].changes}
                line |= {"scores": event.result} if isinstance(event, Done) else {"failed": str(event)}
                done.append(line)
                with record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
    return done


def show(done: Sequence[Mapping[str, Any]], folder: Path, console: Console) -> None:
    """Every trial, the best of each model first, and how wide the gap of the folds is."""
    for path in sorted(folder.glob("fold-*.parquet")):
        fold = Corpus.read(path)
        texts = [f"{m} {a:.3f} / {b:.3f}" for m in fold.spec.widths for a, b in [gap(fold, m)]]
        console.print(f"{path.name}: linear probe, videos like those trained on / held out: {', '.join(texts)}")
    for model, own in ranked(done).items():
        console.print(f"{model}: {len(own)} settings")
        for line in own:
            said = _score(line) if line.get("scores") else line["failed"][:200]
            console.print(f"  {said}  {line['number']}: {_changes(line)}", soft_wrap=True)


def ranked(done: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The trials of each model, the best first."""
    by_model: dict[str, list[Mapping[str, Any]]] = {}
    for line in done:
        by_model.setdefault(line["model"], []).append(line)
    return {m: sorted(own, key=lambda one: -mean(one.get("scores") or [0.0])) for m, own in by_model.items()}


def table(done: Sequence[Mapping[str, Any]]) -> str:
    """In Markdown, for every model: its best setting, that before the search, and how far all of them lie apart."""
    lines = ["| model | best of eight | before the search | worst | the best setting |", "|---|---:|---:|---:|---|"]
    for model, own in sorted(ranked(done).items(), key=lambda item: -mean(item[1][0]["scores"])):
        first = next(line for line in own if line["number"] == 0)
        chosen = "the first" if own[0] is first else _changes(own[0])
        lines.append(f"| {model} | {_score(own[0])} | {_score(first)} | {_score(own[-1])} | {chosen} |")
    return "\n".join(lines) + "\n"


def _score(line: Mapping[str, Any]) -> str:
    return f"{100 * mean(line['scores']):.2f} ± {100 * stdev(line['scores']):.2f}"


def _changes(line: Mapping[str, Any]) -> str:
    named = {name.split(".")[1].replace("_", " "): value for name, value in line["changes"].items()}
    return ", ".join(f"{name} {value:g}" for name, value in named.items()) or "as before"


def main(arguments: Sequence[str] | None = None) -> None:
    """Search and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="CMU-MOSI, imported")
    parser.add_argument("--out", type=Path, required=True, help="folder of folds and trials; goes on where it stopped")
    parser.add_argument("--models", default="", help="names, separated by commas (default: all of ranges.yaml)")
    parser.add_argument("--settings", type=int, default=SETTINGS, help="of every model")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--table", type=Path, help="Markdown file for the best of every model")
    options = parser.parse_args(arguments)
    models = [name for name in options.models.split(",") if name]
    done = search(options.corpus, options.out, models, options.settings, options.jobs)
    show(done, options.out, Console())
    if options.table:
        options.table.write_text(table(done), encoding="utf-8")


if __name__ == "__main__":
    main()
