"""``python -m benchmarks.equal_chances``: as many settings for every model, from ranges of its own, on the same folds.

The first setting is the model's recipe ``<model>-mosi``; the others are drawn from the ranges of ``ranges.yaml``, none
twice. Each is trained once per fold; its score is the mean weighted F1 on the held-out videos. What is done stands in
``trials.jsonl``, and a search that was stopped goes on from there. The test split of the corpus is read by nobody.
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
        number: 0 for the recipe as it is.
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


def draw(models: Mapping[str, Mapping[str, Sequence[Any]]], common: Mapping[str, Any], settings: int) -> list[Trial]:
    """The trials of all models: the recipe, then points of the grid of its ranges, drawn without any repetition."""
    trials = []
    for model, ranges in models.items():
        own = {**common, **ranges}
        points = [dict(zip(own, values, strict=True)) for values in product(*own.values())]
        chosen = np.random.default_rng(0).permutation(len(points))[: settings - 1]
        trials += [Trial(model, number, c) for number, c in enumerate([{}, *(points[i] for i in chosen)])]
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
    chosen = {m: r for m, r in ranges["models"].items() if not models or m in models}
    trials = draw(chosen, ranges["common"], settings)
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
    for model in dict.fromkeys(line["model"] for line in done):
        own = [line for line in done if line["model"] == model]
        console.print(f"{model}: {len(own)} settings")
        for line in sorted(own, key=lambda one: -mean(one.get("scores", [0.0]))):
            scores = line.get("scores", [])
            said = f"{100 * mean(scores):.2f} ± {100 * stdev(scores):.2f}" if scores else line["failed"][:200]
            console.print(f"  {said}  {line['number']}: {line['changes'] or 'the recipe'}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Search and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="CMU-MOSI, imported")
    parser.add_argument("--out", type=Path, required=True, help="folder of folds and trials; goes on where it stopped")
    parser.add_argument("--models", default="", help="names, separated by commas (default: all of ranges.yaml)")
    parser.add_argument("--settings", type=int, default=SETTINGS, help="of every model")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    models = [name for name in options.models.split(",") if name]
    done = search(options.corpus, options.out, models, options.settings, options.jobs)
    show(done, options.out, Console())


if __name__ == "__main__":
    main()
