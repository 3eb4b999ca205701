"""The tables of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from crossspace.evaluation.captions import METRIC_CAPTIONS, objective_caption
from crossspace.evaluation.oscillation import oscillation
from crossspace.evaluation.report_table import ReportTable
from crossspace.evaluation.scores import METRICS
from crossspace.studies.basis import basis
from crossspace.studies.conditions import ANY
from crossspace.studies.cost_table import cost_table
from crossspace.studies.differences import difference_tables
from crossspace.studies.published import paper_tables
from crossspace.studies.results import COMPARED, StudyRecord, VariantRecord
from crossspace.studies.study import BEST_ON_TEST


def study_tables(record: StudyRecord) -> list[ReportTable]:
    """All tables for which the study holds something, in the order of the report."""
    drawn_up = [_scores(record), *paper_tables(record), *difference_tables(record), _per_class(record)]
    drawn_up += [*cost_table(record), *_missing(record)]
    return drawn_up + (list(_oscillations(record)) if "curves" in record.study.report else [])


def _scores(record: StudyRecord) -> ReportTable:
    """Means with spread and interval, beside the published figures where there are any."""
    published = any(v.variant.published for v in record.variants)
    columns = ["variant"] + (["published ACC / F1"] if published else [])
    mark = f"reproduced, {record.protocol}: " if record.twins or published else ""
    columns += [f"{mark}{METRIC_CAPTIONS[m]}" for m in COMPARED]
    # The interval of the first metric only: with those of both nobody could read the table.
    columns += [f"{METRIC_CAPTIONS[m]}, 95 %" for m in ("weighted_f1",)]
    if record.twins:
        columns += [f"reproduced, best-on-test (optimistic): {METRIC_CAPTIONS[m]}" for m in COMPARED]
    # Behind the compared ones: they are read where somebody asks for them.
    rest = [m for m in METRICS if m not in COMPARED]
    columns += [METRIC_CAPTIONS[m] for m in rest]
    rows, values = [], []
    for finished in record.variants:
        row = [finished.title]
        if published:
            row.append(
                "–" if finished.variant.published is None else "{:.2f} / {:.2f}".format(*finished.variant.published)
            )
        row += [_mean(finished, m) for m in COMPARED] + [_range(finished.metric("weighted_f1")["interval"])]
        twin = record.twins.get(finished.name)
        if record.twins:
            row += ["–" if twin is None else _mean(twin, m) for m in COMPARED]
        rows.append(row + [_mean(finished, m) for m in rest])
        values.append(_values(finished, record))
    caption = "In percent: mean over seeds ± standard deviation; the interval resamples conversations and seeds. "
    if published:
        caption += "Published figures chose their epoch on the test split, from one training each as far as is known. "
    return ReportTable("scores", "Scores", caption + basis(record), columns, rows, values)


def _values(finished: VariantRecord, record: StudyRecord) -> dict[str, Any]:
    line: dict[str, Any] = {
        "variant": finished.name,
        "protocol": finished.run.protocol,
        "seeds": len(finished.run.seeds),
        **finished.variant.point,
    }
    for metric in METRICS:
        result = finished.metric(metric)
        low, high = result["interval"] or (None, None)
        line.update({metric: result["mean"], f"{metric}_std": result["std"]})
        line.update({f"{metric}_low": low, f"{metric}_high": high})
        line.update({f"{metric}_seed_{s}": v for s, v in zip(finished.run.seeds, result["values"], strict=True)})
    if finished.variant.published is not None:
        # As printed, without the digits that a division leaves.
        accuracy, weighted_f1 = (round(x / 100, 6) for x in finished.variant.published)
        line |= {"published_accuracy": accuracy, "published_weighted_f1": weighted_f1}
    twin = record.twins.get(finished.name)
    if twin is not None:
        line.update({f"{BEST_ON_TEST}_{m}": twin.metric(m)["mean"] for m in METRICS})
    return line


def _per_class(record: StudyRecord) -> ReportTable:
    support = record.reference.results["per_class"]
    columns = ["variant", *(f"{label} ({support[label]['support']})" for label in record.labels)]
    rows, values = [], []
    for finished in record.variants:
        classes = finished.results["per_class"]
        rows.append([finished.title, *(_spread(classes[label]["f1"]) for label in record.labels)])
        values.append(
            {"variant": finished.name}
            | {
                f"{label}_{k}": classes[label][k]["mean"]
                for label in record.labels
                for k in ("precision", "recall", "f1")
            }
        )
    caption = "F1 in percent, mean over seeds ± standard deviation; in brackets the utterances of the test split. "
    return ReportTable("classes", "Per emotion", caption + basis(record), columns, rows, values)


def _missing(record: StudyRecord) -> Iterator[ReportTable]:
    tested = record.tested_variant
    if tested is None or not record.conditions:
        return
    rates = sorted({rate for curves in record.conditions.values() for rate in curves})
    rows, values = [], []
    for modality, curves in record.conditions.items():
        name = "any one" if modality == ANY else modality
        # A modality has rates of its own only where the study asks for them.
        shown = [_spread_of(curves[rate]["weighted_f1"]) if rate in curves else "–" for rate in rates]
        rows.append([name, _mean(tested, "weighted_f1"), *shown])
        values += [
            {"missing": name, "rate": rate} | {m: float(x[m].mean()) for m in METRICS} for rate, x in curves.items()
        ]
    caption = (
        f"Weighted F1 in percent of {tested.title}, trained with everything, tested with a modality missing in the "
        "given share of the utterances, drawn once per seed and nested: who misses it at 10 % misses it at 20 %. "
    )
    columns = ["missing", "0 %", *(f"{100 * rate:.0f} %" for rate in rates)]
    yield ReportTable("missing", "With modalities missing at test time", caption + basis(record), columns, rows, values)


def _oscillations(record: StudyRecord) -> Iterator[ReportTable]:
    names = loss_names(record)
    if not names:
        return
    rows, values = [], []
    for finished in record.variants:
        measured = {name: oscillations(finished, name) for name in names}
        rows.append([finished.title, *(_plain_spread(x) for x in measured.values())])
        values += [
            {"variant": finished.name, "loss": name, "seed": seed, "oscillation": x}
            for name, per_seed in measured.items()
            for seed, x in zip(finished.run.seeds, per_seed, strict=True)
            # Trainings of fewer than three steps have no oscillation; a table of numbers has no row for them.
            if not np.isnan(x)
        ]
    caption = (
        "Mean distance of a step's loss from the middle of its two neighbours, in percent of the mean loss, over all "
        "steps; mean over seeds ± standard deviation. Equal seeds see the same batches in the same order. "
    )
    yield ReportTable(
        "oscillation",
        "Oscillation of the losses",
        caption + basis(record),
        ["variant", *(loss_caption(name) for name in names)],
        rows,
        values,
    )


def loss_names(record: StudyRecord) -> list[str]:
    """Every logged part of a loss, in order: the fused one, then those of every modality."""
    return list(dict.fromkeys(name for v in record.variants for step in v.run.steps for name in step.get("parts", {})))


def loss_caption(name: str) -> str:
    """``L2 unimodal, text`` for ``unimodal.text``."""
    objective, _, modality = name.partition(".")
    return objective_caption(objective) + (f", {modality}" if modality else "")


def oscillations(finished: VariantRecord, loss: str) -> list[float]:
    """Oscillation of one loss, by seed."""
    return [
        oscillation([s["parts"][loss] for s in finished.run.steps if s["seed"] == seed and loss in s.get("parts", {})])
        for seed in finished.run.seeds
    ]


def _mean(finished: VariantRecord, metric: str) -> str:
    return _spread(finished.metric(metric))


def _spread(metric: dict[str, Any]) -> str:
    return f"{100 * metric['mean']:.2f}" + ("" if metric["std"] is None else f" ± {100 * metric['std']:.2f}")


def _spread_of(values: np.ndarray) -> str:
    std = float(values.std(ddof=1)) if len(values) > 1 else None
    return _spread({"mean": float(values.mean()), "std": std})


def _plain_spread(values: list[float]) -> str:
    # A mean over some of the seeds would be compared with means over all.
    if np.isnan(values).any():
        return "–"
    text = f"{np.mean(values):.1f}"
    return text if len(values) == 1 else f"{text} ± {np.std(values, ddof=1):.1f}"


def _range(interval: Any) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}"
