"""A study folder, read and checked: every variant with its scores, and what may be said of the differences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crossspace.errors import DataError
from crossspace.evaluation.aggregate import aggregate, counts_of
from crossspace.evaluation.comparison import Comparison, compare_all
from crossspace.evaluation.confusion import metrics_of
from crossspace.evaluation.run_folder import RunRecord
from crossspace.reading import reading
from crossspace.studies.conditions import parse_condition
from crossspace.studies.costs import middle
from crossspace.studies.folder import CONDITIONS, StudyFolder
from crossspace.studies.study import Study, Variant
from crossspace.studies.titles import titles

COMPARED = ("weighted_f1", "accuracy")
"""The metrics in which variants are compared, the first one first."""


@dataclass(frozen=True, eq=False)
class VariantRecord:
    """A finished variant.

    Attributes:
        variant: what was asked for.
        run: its run folder.
        results: of all its seeds, as in ``results.json``, worked out anew from the predictions.
        counts: (S, G, C, C) confusion counts by seed and conversation.
        cost: what it takes, where that was measured.
        title: what readers see instead of its name.
    """

    variant: Variant
    run: RunRecord
    results: dict[str, Any]
    counts: np.ndarray
    cost: dict[str, Any] | None
    title: str

    @property
    def name(self) -> str:
        """Name of the variant, which is also that of its folder."""
        return self.variant.name

    def metric(self, name: str) -> dict[str, Any]:
        """``mean``, ``std``, ``interval``, ``values`` of an overall metric."""
        return self.results["metrics"][name]


@dataclass(frozen=True, eq=False)
class StudyRecord:
    """Everything that a study folder holds.

    Attributes:
        folder: where it lies.
        study: what was asked for.
        seeds: of every variant.
        fingerprint: of the corpus.
        variants: the finished ones, without the twins under ``best-on-test``.
        twins: ``{variant: its twin}``.
        failures: ``{variant: reason}``.
        unfinished: variants that have not been trained with every seed yet.
    """

    folder: Path
    study: Study
    seeds: list[int]
    fingerprint: str
    variants: list[VariantRecord]
    twins: dict[str, VariantRecord]
    failures: dict[str, str]
    unfinished: list[str]

    @classmethod
    def read(cls, path: str | Path) -> StudyRecord:
        """Read the study in ``path``.

        Raises:
            DataError: it is none, nothing is finished, or a run was made on another corpus.
        """
        with reading(path, "the folder of a study", "Restore it, or run the study again."):
            return cls._read(path)

    @classmethod
    def _read(cls, path: str | Path) -> StudyRecord:
        folder = StudyFolder(path)
        content, study = folder.read(), folder.study()
        costs, fingerprint = folder.costs(), content["fingerprint"]
        # Twins stand under the title of their variant.
        named = titles([v for v in study.variants if v.twin_of is None])
        finished: dict[str, VariantRecord] = {}
        for variant in study.variants:
            run_folder = folder.run(variant.name)
            if (run_folder / "results.json").exists():
                title = named[variant.twin_of or variant.name]
                finished[variant.name] = _read(variant, run_folder, fingerprint, costs.get(variant.name), title)
        # Twins stand beside their variants, and make no table of their own.
        if all(v.twin_of is not None for v in study.variants if v.name in finished):
            raise DataError(f"{path} holds no finished variant yet. 'crossspace study run' goes on with it.")
        failures = folder.failures.merged()
        return cls(
            folder=Path(path),
            study=study,
            seeds=content["seeds"],
            fingerprint=fingerprint,
            variants=[finished[v.name] for v in study.variants if v.name in finished and v.twin_of is None],
            twins={v.twin_of: finished[v.name] for v in study.variants if v.twin_of and v.name in finished},
            failures=failures,
            unfinished=[v.name for v in study.variants if v.name not in finished and v.name not in failures],
        )

    @cached_property
    def reference(self) -> VariantRecord:
        """The variant that the others are compared with; the first finished one where it failed."""
        # Without its reference a study still says something: the first variant takes its place.
        return next((v for v in self.variants if v.name == self.study.reference), self.variants[0])

    @cached_property
    def labels(self) -> list[str]:
        """Names of the emotions in index order."""
        return self.reference.run.labels

    @property
    def protocol(self) -> str:
        """The protocol of the variants, or ``mixed``."""
        # Variants may bring protocols of their own, and a table must not claim one for all.
        protocols = {v.run.protocol for v in self.variants}
        return protocols.pop() if len(protocols) == 1 else "mixed"

    @cached_property
    def others(self) -> list[VariantRecord]:
        """Every finished variant but the reference."""
        return [v for v in self.variants if v is not self.reference]

    @cached_property
    def comparisons(self) -> dict[str, dict[str, Comparison]]:
        """``{metric: {variant: its comparison with the reference}}``, corrected for their number."""
        others = {v.name: v.counts for v in self.others}
        return {metric: compare_all(self.reference.counts, others, metric) for metric in COMPARED}

    @cached_property
    def tested_variant(self) -> VariantRecord | None:
        """The variant that was tested with modalities missing."""
        conditions = self.study.conditions
        return next((v for v in self.variants if conditions and v.name == conditions.of), None)

    @cached_property
    def conditions(self) -> dict[str, dict[float, dict[str, np.ndarray]]]:
        """``{modality: {rate: {metric: (S,)}}}`` of the variant that was tested so."""
        tested = self.tested_variant
        if tested is None or not (tested.run.folder / CONDITIONS).exists():
            return {}
        table = pq.read_table(tested.run.folder / CONDITIONS)
        scores: dict[str, dict[float, dict[str, np.ndarray]]] = {}
        for name in pc.unique(table["condition"]).to_pylist():
            modality, rate = parse_condition(name)
            _, _, counts = counts_of(table.filter(pc.equal(table["condition"], name)), self.labels)
            scores.setdefault(modality, {})[rate] = metrics_of(counts.sum(1))
        return {m: dict(sorted(rates.items())) for m, rates in scores.items()}


def _read(variant: Variant, run_folder: Path, fingerprint: str, costs: list[Any] | None, title: str) -> VariantRecord:
    run = RunRecord.read(run_folder)
    made_on = run.environment["corpus"].get("fingerprint")
    # A folder of a run may have been copied in from elsewhere.
    if made_on != fingerprint:
        raise DataError(
            f"{run_folder} was made on a corpus with the fingerprint {made_on}; the study is on one with "
            f"{fingerprint}. Scores on different corpora do not compare. Remove the run and run the study again, or "
            "report it alone."
        )
    # Anew from the predictions, so that variants of different releases are scored by one rule.
    results = aggregate(run.predictions, run.labels, protocol=run.protocol, split=run.results["split"])
    _, _, counts = counts_of(run.predictions, run.labels, run.results["split"])
    return VariantRecord(variant, run, results, counts, middle(costs) if costs else None, title)
