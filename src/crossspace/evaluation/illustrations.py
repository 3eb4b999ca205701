"""Which figures a run can show, in which section, and what is written under each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from crossspace.evaluation.captions import METRIC_CAPTIONS, objective_caption, pair_caption
from crossspace.evaluation.curves import Curve, deciding_split, epoch_scores, step_curves
from crossspace.evaluation.example import Example
from crossspace.evaluation.figures.calibration import reliability_figure
from crossspace.evaluation.figures.matrix import confusion_figure
from crossspace.evaluation.figures.timeline import timeline_figure
from crossspace.evaluation.figures.training import step_figure, validation_figure
from crossspace.evaluation.run_folder import RunRecord
from crossspace.evaluation.scores import METRICS

_SAME = 1e-4
"""Sums of weights closer than this are equal; weights come from computations in single precision too."""


@dataclass(frozen=True)
class Illustration:
    """A figure with its place in the report.

    Attributes:
        section: ``confusion``, ``training``, ``calibration`` or ``timeline``.
        name: file name without suffix.
        title: a heading of a few words.
        caption: how to read it, and how it was made.
        figure: the drawing.
        folded: whether a page shows it only when asked.
    """

    section: str
    name: str
    title: str
    caption: str
    figure: Figure
    folded: bool = False


def illustrations(record: RunRecord, example: Example | None) -> list[Illustration]:
    """All figures for which the run holds something, in the order of the report."""
    return [
        *_confusion(record),
        *_losses(record),
        *_gamma(record),
        *_cosines(record),
        *_validation(record),
        *_calibration(record),
        *_timeline(record, example),
    ]


def _confusion(record: RunRecord) -> Iterator[Illustration]:
    seeds = len(record.seeds)
    counts = "the count" if seeds == 1 else f"the count, a mean over {seeds} seeds"
    caption = f"Rows are the truth and sum to 100 %. Below each percentage stands {counts}."
    figure = confusion_figure(record.results["confusion"], record.labels)
    yield Illustration("confusion", "confusion", "Confusion matrix", caption, figure)


def _losses(record: RunRecord) -> Iterator[Illustration]:
    parts = step_curves(record.steps, lambda step: step.get("parts"))
    # A loss with parts is drawn by its parts, whose sum it is; one without, as it is.
    for total in step_curves(record.steps, lambda step: step["losses"]):
        mine = [curve for curve in parts if curve.name.startswith(f"{total.name}.")]
        names = {curve.name: curve.name.removeprefix(f"{total.name}.") for curve in mine} or {total.name: total.name}
        figure = step_figure(mine or [total], names, ylabel="loss (nats)")
        per = ", one line per modality" if mine else ""
        title = f"Loss {objective_caption(total.name)}"
        name = "loss-" + "".join(c if c.isalnum() else "-" for c in total.name)
        yield Illustration("training", name, title, f"Training loss{per}. {_averaging(total, record)}", figure)


def _gamma(record: RunRecord) -> Iterator[Illustration]:
    curves = step_curves(record.steps, lambda step: step.get("weights"))
    if len(curves) > 1:
        names = {curve.name: objective_caption(curve.name) for curve in curves}
        total = _common_sum(record)
        # Without a common sum there is no weight at which objectives would be equal.
        equal = None if total is None else total / len(curves)
        values = [value for step in record.steps for value in (step.get("weights") or {}).values()]
        # Shares are drawn on the whole scale, so that small changes of weight look small.
        ylim = (0.0, 1.0) if total is not None and abs(total - 1) < _SAME and min(values) >= 0 else None
        figure = step_figure(curves, names, ylabel="weight", ylim=ylim, reference=equal)
        said = str(record.environment.get("balancer", {}).get("about_weights", ""))
        dotted = "" if equal is None else f"The dotted line, at {equal:.3g}, is where they are equal."
        sentences = ("Weight of each objective in the step.", said, dotted, _averaging(curves[0], record))
        caption = " ".join(sentence for sentence in sentences if sentence)
        yield Illustration("training", "gamma", "Weights of the objectives", caption, figure)


def _common_sum(record: RunRecord) -> float | None:
    """What the weights of every step add up to, where it is the same throughout."""
    sums = [sum(step["weights"].values()) for step in record.steps if step.get("weights")]
    return sums[0] if max(sums) - min(sums) < _SAME * max(1.0, abs(sums[0])) else None


def _cosines(record: RunRecord) -> Iterator[Illustration]:
    curves = step_curves(record.steps, lambda step: step.get("cosines"))
    if curves:
        names = {curve.name: pair_caption(curve.name) for curve in curves}
        figure = step_figure(curves, names, ylabel="cosine", ylim=(-1, 1), reference=0)
        caption = (
            "Cosine between the gradients of two objectives; below the dotted line they conflict. "
            f"{_averaging(curves[0], record)}"
        )
        yield Illustration("training", "cosines", "Agreement of gradients", caption, figure)


def _averaging(curve: Curve, record: RunRecord) -> str:
    """How a line over steps was made: its window and its band."""
    window = "Every step is drawn" if curve.window == 1 else f"Each point averages {curve.window} steps"
    if len(record.seeds) == 1:
        return f"{window}."
    return f"{window}; line and band are mean and standard deviation over the seeds still training."


def _validation(record: RunRecord) -> Iterator[Illustration]:
    logged = {name for epoch in record.epochs for name in epoch_scores(epoch)}
    # Runs of older releases logged fewer scores; the first that is there has decided.
    metric = next((metric for metric in METRICS if metric in logged), None)
    if metric is None:
        return
    optimistic = record.protocol == "best-on-test"
    where = deciding_split(record.epochs, record.protocol)
    figure = validation_figure(record.epochs, metric, ylabel=f"{METRIC_CAPTIONS[metric]} (%)", optimistic=optimistic)
    lines = "A thin line per seed and the mean. " if len(record.seeds) > 1 else ""
    caption = f"{METRIC_CAPTIONS[metric]} on the {where} split. {lines}Dots mark the chosen epochs."
    yield Illustration("training", "epochs", "Choice of the epoch", caption, figure)


def _calibration(record: RunRecord) -> Iterator[Illustration]:
    calibration: Mapping[str, Any] | None = record.results.get("calibration")
    if calibration:
        pooled = "" if len(record.seeds) == 1 else " Predictions of all seeds together."
        kind = "as many predictions as the next" if calibration["binning"] == "equal-mass" else "a range of equal width"
        caption = f"Each point holds {kind}. On the dotted line, a confidence of 80 % means 80 % right.{pooled}"
        yield Illustration(
            "calibration", "reliability", "Reliability", caption, reliability_figure(calibration["curve"])
        )


def _timeline(record: RunRecord, example: Example | None) -> Iterator[Illustration]:
    if example is None:
        return
    is_whole = len(example.lines) == example.length
    shown = "" if is_whole else f" The first {len(example.lines)} of {example.length} utterances."
    score = f" {example.right} of {example.labelled} labelled utterances are right." if example.labelled else ""
    caption = (
        f"Conversation {example.conversation_id}, seed {example.seed}, chosen because its accuracy is nearest to that "
        f"of the whole split.{shown}{score} Where prediction and truth differ, both are bold."
    )
    yield Illustration(
        "timeline", "timeline", "An example conversation", caption, timeline_figure(example, record.labels)
    )
