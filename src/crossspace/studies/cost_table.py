"""The table of what variants cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossspace.evaluation.report_table import ReportTable
from crossspace.studies.published import published_seconds, published_tables
from crossspace.studies.results import StudyRecord, VariantRecord

Measured = Mapping[str, tuple[VariantRecord, Mapping[str, Any]]]
"""A variant and its costs, by its name."""


def cost_table(record: StudyRecord) -> Iterator[ReportTable]:
    """What each variant takes, where that was measured; on a corpus of the paper beside the paper's seconds."""
    measured = {v.name: (v, v.cost) for v in record.variants if v.cost is not None}
    if not measured:
        return
    # Where the reference was not measured, ratios are to the first variant that was.
    named, _ = measured.get(record.reference.name, next(iter(measured.values())))
    ratios = _seconds_to(named, measured)
    rows = [
        [
            finished.title,
            f"{cost['parameters']:,}",
            f"{cost['seconds_per_epoch']:.3g}",
            ratios[finished.name],
            f"{cost['seconds_per_1000']:.3g}",
            f"{cost['peak_bytes'] / 2**20:,.0f}",
        ]
        for finished, cost in measured.values()
    ]
    columns = ["variant", "parameters", "s per epoch", "ratio", "s per 1,000 utterances", "peak memory, MiB"]
    about = next(cost for _, cost in measured.values())
    caption = (
        f"Measured after all training, nothing else running: one variant at a time, each round in a fresh process, "
        f"{about['threads']:.0f} thread{'s' * (about['threads'] > 1)}; median of {about['rounds']} "
        f"round{'s' * (about['rounds'] > 1)}. An epoch is one pass over the training split; inference is over the test "
        f"split; memory is the largest of the process, libraries included. The ratio is to {named.title}. "
    )
    if (sdt := _sdt_among(record)) is not None:
        ours, theirs = _seconds_to(sdt, measured), _published_seconds_to_sdt(measured)
        for row, name in zip(rows, measured, strict=True):
            row[4:4] = [ours[name], theirs[name]]
        columns[4:4] = ["to SDT", "to SDT, published"]
        caption += "Published: seconds of an epoch on one RTX 2080 Ti, for the models of which the paper states them. "
    yield ReportTable(
        "costs",
        "What it takes",
        caption + f"Device: {record.reference.run.environment.get('device', 'not stated')}.",
        columns,
        rows,
        [{"variant": name, **cost} for name, (_, cost) in measured.items()],
    )


def _seconds_to(one: VariantRecord, measured: Measured) -> dict[str, str]:
    """The seconds of an epoch of each over those of one of them."""
    seconds = measured[one.name][1]["seconds_per_epoch"]
    return {name: f"{cost['seconds_per_epoch'] / seconds:.2f}" for name, (_, cost) in measured.items()}


def _published_seconds_to_sdt(measured: Measured) -> dict[str, str]:
    published = published_seconds()
    models = {name: finished.variant.configuration.model["name"] for name, (finished, _) in measured.items()}
    return {
        name: f"{published[model] / published['sdt']:.2f}" if model in published else ""
        for name, model in models.items()
    }


def _sdt_among(record: StudyRecord) -> VariantRecord | None:
    """The variant that the paper's seconds are compared with, in a study on the settings of one of its corpora."""
    if record.study.settings not in published_tables():
        return None
    return next((v for v in record.variants if v.cost and v.variant.configuration.model["name"] == "sdt"), None)
