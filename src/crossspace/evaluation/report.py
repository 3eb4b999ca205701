"""The report of a run: one HTML file that needs nothing else, the same in Markdown, and the figures as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from crossspace.evaluation.captions import METRIC_CAPTIONS, plain, spelled
from crossspace.evaluation.curves import epoch_scores
from crossspace.evaluation.example import Example, choose_example
from crossspace.evaluation.figures.palette import emotion_colours
from crossspace.evaluation.figures.style import LARGEST, inline, svg
from crossspace.evaluation.illustrations import Illustration, illustrations
from crossspace.evaluation.remarks import Remark, ceiling_of, remarks_of_run
from crossspace.evaluation.rendering import PROTOCOL_CAPTIONS, render
from crossspace.evaluation.repeating import repeat_command
from crossspace.evaluation.run_folder import RunRecord
from crossspace.reading import reading
from crossspace.runtime import write_text


def write_report(run_folder: str | Path) -> Path:
    """Write ``report.html``, ``report.md`` and ``figures/*.svg`` into a run folder; returns the path of the HTML file.

    What the run does not hold, such as gamma of a model with one objective, is left out together with its section.
    Old figures of the same names are replaced, others left alone.

    Raises:
        DataError: the folder is not that of a finished run, or one of its files is damaged.
        CrossspaceError: the folder cannot be written; an earlier report is then still whole.
    """
    record = RunRecord.read(run_folder)
    with reading(run_folder, "the folder of a finished run", "Restore it or run again."):
        return _write(record)


def _write(record: RunRecord) -> Path:
    example = choose_example(record.predictions, seed=_best_seed(record), split=record.results["split"])
    drawn = illustrations(record, example)
    # All figures before the first file: one that cannot be drawn leaves the earlier report as it was.
    documents = {picture.name: svg(picture.figure, picture.name) for picture in drawn}
    for name, document in documents.items():
        write_text(record.folder / "figures" / f"{name}.svg", document)
    context = _context(record, example, drawn)
    context["svg"] = {name: Markup(inline(document)) for name, document in documents.items()}
    write_text(record.folder / "report.md", render("report.md.jinja", context))
    page = record.folder / "report.html"
    # The page last: where it is, everything that it belongs to is there.
    write_text(page, render("report.html.jinja", context))
    return page


def _context(record: RunRecord, example: Example | None, drawn: list[Illustration]) -> dict[str, Any]:
    environment = record.environment
    sections: dict[str, list[Illustration]] = {}
    for picture in drawn:
        sections.setdefault(picture.section, []).append(picture)
    model, corpus = environment["model"].get("name", "Model"), environment["corpus"].get("name", "corpus")
    return {
        "model": spelled(plain(model)),
        "title": f"{spelled(plain(model))} on {plain(corpus)}",
        "record": record,
        "results": record.results,
        "environment": environment,
        "metric_captions": METRIC_CAPTIONS,
        "protocol_caption": PROTOCOL_CAPTIONS[record.protocol],
        "warnings": _warnings(record),
        "majority": _majority(record),
        "ceiling": ceiling_of(record.results),
        "repeat": repeat_command(record),
        "confusions": _confusions(record),
        "sections": sections,
        "example": example,
        "colours": emotion_colours(record.labels),
        "calibration": record.results.get("calibration"),
        "sureness": _sureness(record),
        "matrix_width": round(LARGEST * 72 * sections["confusion"][0].figure.get_figwidth()),
    }


def _warnings(record: RunRecord) -> list[Remark]:
    """Everything that keeps these numbers from being taken at face value, and what only looks odd."""
    warnings = []
    if record.protocol == "validation" and record.results["split"] != "test":
        warnings.append(Remark(
            f"Not the test split: {record.results['split']}",
            "The model was trained or chosen on these conversations; the numbers say nothing about unseen ones.",
        ))  # fmt: skip
    if len(record.seeds) == 1:
        warnings.append(Remark(
            "One seed",
            "One training says nothing about the spread between trainings; a difference to another model may be luck. "
            "Train with several seeds, for example --seeds 5.",
        ))  # fmt: skip
    return [*warnings, *remarks_of_run(record.results, record.environment)]


def _majority(record: RunRecord) -> dict[str, Any]:
    """What always answering the most frequent emotion would reach."""
    support = {label: scores["support"] for label, scores in record.results["per_class"].items()}
    label = max(support, key=lambda name: support[name])
    share = support[label] / max(sum(support.values()), 1)
    # F1 of that one class is 2 p / (1 + p) for its share p, weighted by p; all others have 0.
    return {"label": label, "accuracy": share, "weighted_f1": share * 2 * share / (1 + share)}


def _sureness(record: RunRecord) -> float | None:
    """How sure the model is on average, over the predictions of all seeds."""
    curve = (record.results.get("calibration") or {}).get("curve")
    return None if not curve else float(np.average(curve["confidence"], weights=curve["count"]))


def _confusions(record: RunRecord, most: int = 6) -> list[dict[str, Any]]:
    """The pairs of true and predicted emotion that are confused most often, and their share of the truth."""
    pairs = [
        {"truth": truth, "predicted": predicted, "count": count, "share": count / sum(row)}
        for truth, row in zip(record.labels, record.results["confusion"], strict=True)
        for predicted, count in zip(record.labels, row, strict=True)
        if count and truth != predicted
    ]
    return sorted(pairs, key=lambda pair: -pair["count"])[:most]


def _best_seed(record: RunRecord) -> int:
    """The seed with the best score on the split that chose the epoch, which ``from_pretrained`` loads."""
    best: dict[int, float] = {}
    for epoch in record.epochs:
        score = epoch_scores(epoch).get("weighted_f1")
        if score is not None and epoch["seed"] in record.seeds:
            best[epoch["seed"]] = max(score, best.get(epoch["seed"], -1.0))
    return max(best, key=lambda seed: best[seed]) if best else record.seeds[0]
