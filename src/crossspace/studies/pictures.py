"""The figures of a study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from crossspace.evaluation.captions import METRIC_CAPTIONS
from crossspace.evaluation.curves import step_curves
from crossspace.evaluation.figures.bands import bands_figure
from crossspace.evaluation.figures.degradation import degradation_figure
from crossspace.evaluation.figures.dots import Score, dots_figure
from crossspace.evaluation.figures.heat import heat_figure
from crossspace.evaluation.figures.intervals import Difference, intervals_figure
from crossspace.evaluation.figures.matrix import confusions_figure
from crossspace.evaluation.illustrations import Illustration
from crossspace.studies.basis import basis, weaknesses
from crossspace.studies.conditions import ANY
from crossspace.studies.results import StudyRecord, VariantRecord
from crossspace.studies.tables import loss_caption, loss_names, oscillations

_MATRICES = 6


def pictures(record: StudyRecord) -> list[Illustration]:
    """All figures for which the study holds something; ``section`` names the table that they stand beside."""
    figures = [*_grid(record), *_scores(record), *_intervals(record), *_missing(record)]
    if "curves" in record.study.report:
        figures += _bands(record)
    return [*figures, *_confusions(record)]


def _scores(record: StudyRecord) -> Iterator[Illustration]:
    if record.study.grid:
        return
    panels = {
        METRIC_CAPTIONS[m]: [_score(v, m, published) for v in record.variants]
        for m, published in (("weighted_f1", 1), ("accuracy", 0))
    }
    yield Illustration(
        "scores",
        "scores",
        "Scores of the variants",
        "Large dots are means over seeds, small ones single seeds, lines 95 % intervals over conversations and seeds"
        + (", diamonds published figures" if any(v.variant.published for v in record.variants) else "")
        + f"; the dotted line is the mean of {record.reference.title}. The axes show the range in which the variants "
        "lie; what lies far outside stands at the border with its value. Whether two variants differ is a question "
        "for the differences below, which compare them conversation by conversation.",
        dots_figure(
            [v.title for v in record.variants],
            panels,
            basis=basis(record),
            warning=bool(weaknesses(record)),
            reference=record.variants.index(record.reference),
        ),
    )


def _score(finished: VariantRecord, metric: str, published: int) -> Score:
    result = finished.metric(metric)
    interval = result["interval"]
    return Score(
        100 * result["mean"],
        None if interval is None else (100 * interval[0], 100 * interval[1]),
        [100 * value for value in result["values"]],
        None if finished.variant.published is None else finished.variant.published[published],
    )


def _intervals(record: StudyRecord) -> Iterator[Illustration]:
    # There is nothing to compare.
    if len(record.variants) < 2:
        return
    metric = "weighted_f1"
    pairs = [(v, record.comparisons[metric][v.name]) for v in record.others]
    differences = [
        Difference(
            v.title,
            100 * c.difference,
            None if c.interval is None else (100 * c.interval[0], 100 * c.interval[1]),
            c.p_holm,
            c.apart,
        )
        for v, c in pairs
    ]
    corrected = f", both corrected for the {len(pairs)} comparisons together" if len(pairs) > 1 else ""
    yield Illustration(
        f"differences-{metric.replace('_', '-')}",
        "differences",
        f"Which variants differ from {record.reference.title}?",
        "Points are differences of means, lines 95 % intervals over conversations and trainings, at the right the "
        f"p-value of the permutation test for these trained models{corrected}. Points are filled where both tell the "
        "difference from none. A difference far from the others stands at the border with its interval.",
        intervals_figure(
            differences,
            reference=record.reference.title,
            quantity=METRIC_CAPTIONS[metric],
            basis=basis(record),
            warning=bool(weaknesses(record)),
        ),
    )


def _grid(record: StudyRecord) -> Iterator[Illustration]:
    grid = record.study.grid
    if len(grid) != 2:
        return
    (down, rows), (across, columns) = grid.items()
    # A point of the grid that failed stays NaN, which is drawn as a dash.
    means = np.full((len(rows), len(columns)), np.nan)
    spreads = means.copy()
    for finished in record.variants:
        point = finished.variant.point
        if point:
            cell = list(rows).index(point[down]), list(columns).index(point[across])
            result = finished.metric("weighted_f1")
            means[cell] = 100 * result["mean"]
            spreads[cell] = np.nan if result["std"] is None else 100 * result["std"]
    yield Illustration(
        "scores",
        "grid",
        f"Weighted F1 over {_short(down)} and {_short(across)}",
        "Mean over seeds in percent, below it the standard deviation; the highest mean is bold, which does not make "
        "it the best: see the differences.",
        heat_figure(
            means,
            spreads,
            (_short(down), rows),
            (_short(across), columns),
            quantity="Weighted F1 (%)",
            basis=basis(record),
            warning=bool(weaknesses(record)),
        ),
    )


def _short(argument: str) -> str:
    return argument.rpartition(".")[2]


def _missing(record: StudyRecord) -> Iterator[Illustration]:
    tested = record.tested_variant
    if tested is None or not record.conditions:
        return
    curves = {
        "any one" if modality == ANY else modality: (
            list(rates),
            100 * np.column_stack([scores["weighted_f1"] for scores in rates.values()]),
        )
        for modality, rates in record.conditions.items()
    }
    support = np.array([c["support"] for c in tested.results["per_class"].values()], float)
    # What always answering the most frequent emotion reaches: below that a model has learnt nothing.
    share = support.max() / support.sum()
    yield Illustration(
        "missing",
        "missing",
        "When utterances miss a modality",
        f"Weighted F1 of {tested.title} on the test split; lines and bands are mean and standard deviation over seeds.",
        degradation_figure(
            curves,
            [100 * value for value in tested.metric("weighted_f1")["values"]],
            ylabel="Weighted F1 (%)",
            basis=basis(record),
            warning=bool(weaknesses(record)),
            floor=("always the most frequent emotion", 100 * share * 2 * share / (1 + share)),
        ),
    )


def _bands(record: StudyRecord) -> Iterator[Illustration]:
    logged = {
        v.title: {curve.name: curve for curve in step_curves(v.run.steps, lambda step: step.get("parts"))}
        for v in record.variants
    }
    panels, notes = {}, {}
    for loss in loss_names(record):
        curves = {name: finished[loss] for name, finished in logged.items() if loss in finished}
        panels[loss_caption(loss)] = curves
        measured = {v.title: np.mean(oscillations(v, loss)) for v in record.variants if v.title in curves}
        notes[loss_caption(loss)] = [f"{name}: {x:.1f} %" for name, x in measured.items() if not np.isnan(x)]
    if not panels:
        return
    window = max((c.window for panel in panels.values() for c in panel.values()), default=1)
    smoothing = "Every step is drawn." if window == 1 else f"Each point averages {window} steps."
    yield Illustration(
        "oscillation",
        "losses",
        "Losses over training",
        f"Mean and standard deviation over seeds. {smoothing} In each panel: the oscillation of single steps.",
        bands_figure(panels, ylabel="loss (nats)", basis=basis(record), warning=bool(weaknesses(record)), notes=notes),
    )


def _confusions(record: StudyRecord) -> Iterator[Illustration]:
    """The reference with those that differ most from it, and, folded away, all others."""
    compared = record.comparisons["weighted_f1"]
    ranked = sorted(record.others, key=lambda v: -abs(compared[v.name].difference))
    shown, rest = [record.reference, *ranked[: _MATRICES - 1]], ranked[_MATRICES - 1 :]
    caption = "Rows are the truth and sum to 100 %; below each percentage the mean count over seeds."
    chosen = (
        f" Of {len(ranked) + 1} variants, {record.reference.title} and the {_MATRICES - 1} whose weighted F1 differs "
        "most from it; the others follow."
    )
    yield _matrices(record, shown, "confusions", "What is taken for what", caption + chosen * bool(rest))
    if rest:
        ordered = " In the order of the difference in weighted F1."
        yield _matrices(record, rest, "confusions-others", f"The other {len(rest)} variants", caption + ordered, True)


def _matrices(
    record: StudyRecord, shown: list[VariantRecord], name: str, title: str, caption: str, folded: bool = False
) -> Illustration:
    figure = confusions_figure(
        {v.title: v.results["confusion"] for v in shown},
        record.labels,
        basis=basis(record),
        warning=bool(weaknesses(record)),
    )
    return Illustration("classes", name, title, caption, figure, folded)
