"""Tables 1 and 2 of the paper, and how what was reproduced stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from crossspace.evaluation.captions import spelled
from crossspace.evaluation.report_table import ReportTable
from crossspace.studies.basis import basis
from crossspace.studies.results import StudyRecord, VariantRecord

_UNKNOWN = "–"


@dataclass(frozen=True)
class PublishedRow:
    """What the paper prints of one model, in percent; None where it prints nothing.

    Attributes:
        accuracy, weighted_f1: over all test utterances.
        precision, f1: by class, in label order.
    """

    accuracy: float
    weighted_f1: float
    precision: Sequence[float | None]
    f1: Sequence[float | None]


@dataclass(frozen=True)
class PublishedTable:
    """One table of the paper.

    Attributes:
        number: of the table.
        labels: of its classes, in the order of the columns as they are right.
        support: test utterances of each class.
        rows: by name of the model.
        source: where it was printed.
        notes: what one has to know of it, by what it is about.
    """

    number: int
    labels: Sequence[str]
    support: Sequence[int]
    rows: Mapping[str, PublishedRow]
    source: str
    notes: Mapping[str, str]


@cache
def _published() -> dict[str, Any]:
    content = files("crossspace.studies").joinpath("published.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(content))


def published_seconds() -> dict[str, float]:
    """Seconds of a training epoch by name of the model, for the few that the paper states."""
    return dict(_published()["seconds_per_epoch"])


@cache
def published_tables() -> dict[str, PublishedTable]:
    """The tables by the settings of a study that they belong to, ``iemocap`` and ``meld``."""
    content = _published()
    return {
        settings: PublishedTable(
            number=table["number"],
            labels=tuple(table["labels"]),
            support=tuple(table["support"]),
            rows={name: PublishedRow(**row) for name, row in table["rows"].items()},
            source=content["source"],
            notes=content["notes"],
        )
        for settings, table in content["tables"].items()
    }


def fits_published(settings: str | None, labels: Sequence[str]) -> bool:
    """Whether what is published under these settings may stand beside scores of a corpus with these labels.

    Settings can be chosen for any corpus; the paper's figures are of the one whose labels its table has.
    """
    table = published_tables().get(settings or "")
    return table is None or sorted(label.lower() for label in labels) == sorted(table.labels)


def published_scores(model: str) -> dict[str, tuple[float, float]]:
    """``{settings: (accuracy, weighted F1)}`` that the paper prints for a model, in percent."""
    rows = {settings: table.rows.get(model) for settings, table in published_tables().items()}
    return {settings: (row.accuracy, row.weighted_f1) for settings, row in rows.items() if row is not None}


def paper_tables(record: StudyRecord) -> Iterator[ReportTable]:
    """The paper's table of the corpus, every row of it, beside what was reproduced; nothing for another corpus."""
    table = published_tables().get(record.study.settings or "")
    if table is None or not fits_published(record.study.settings, record.labels):
        return
    rows, values = [], []
    for model, printed in table.rows.items():
        rows.append([spelled(model), "published", *_printed(printed)])
        values.append({"model": model, "protocol": "published", **_fractions(printed, table.labels)})
        for finished in _reproduced(record, model):
            rows.append([finished.title, f"reproduced, {finished.run.protocol}", *_measured(finished, table.labels)])
            line = {"model": model, "protocol": finished.run.protocol, "variant": finished.name}
            values.append({**line, **_means(finished, table.labels)})
        for name, reason in _missing(record, model):
            rows.append([name, reason, *[_UNKNOWN] * (2 * len(table.labels) + 2)])
    caption = (
        f"In percent. Published: {table.source}; their epoch was chosen on the test split, from one training each as "
        f"far as is known. Reproduced: mean over seeds. P is precision: {table.notes['precision']}. "
    )
    caption += _sentence(table.notes["order"]) if table.number == 2 else ""
    caption += _sentence(table.notes["mpt-hcl"]) if "mpt-hcl" in table.rows else ""
    yield ReportTable(
        "paper",
        f"Table {table.number} of the paper, and what was reproduced",
        caption + basis(record),
        ["model", "figures", *["P", "F1"] * len(table.labels), "accuracy", "weighted F1"],
        rows,
        values,
        groups=["", "", *(label for label in table.labels for _ in range(2)), "all", "all"],
    )


def _sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}. "


def _reproduced(record: StudyRecord, model: str) -> Iterator[VariantRecord]:
    for finished in record.variants:
        if finished.variant.configuration.model["name"] == model:
            yield finished
            if finished.name in record.twins:
                yield record.twins[finished.name]


def _missing(record: StudyRecord, model: str) -> Iterator[tuple[str, str]]:
    """Variants of a model that have no scores, and why."""
    done = {v.name for v in record.variants}
    for variant in record.study.variants:
        if variant.configuration.model["name"] == model and variant.name not in done and variant.twin_of is None:
            reason = record.failures.get(variant.name) or variant.unusable or "not finished yet"
            yield variant.name, f"not run: {reason.splitlines()[0]}"


def _printed(row: PublishedRow) -> list[str]:
    per_class = [x for pair in zip(row.precision, row.f1, strict=True) for x in pair]
    return [_UNKNOWN if x is None else f"{x:.2f}" for x in [*per_class, row.accuracy, row.weighted_f1]]


def _fractions(row: PublishedRow, labels: Sequence[str]) -> dict[str, float | None]:
    values = {"accuracy": row.accuracy, "weighted_f1": row.weighted_f1}
    for label, precision, f1 in zip(labels, row.precision, row.f1, strict=True):
        values |= {f"{label}_precision": precision, f"{label}_f1": f1}  # type: ignore[dict-item]
    # Two decimals of a percentage, and no more where the division leaves some.
    return {name: None if x is None else round(x / 100, 4) for name, x in values.items()}


def _means(finished: VariantRecord, labels: Sequence[str]) -> dict[str, float]:
    classes = {label.lower(): values for label, values in finished.results["per_class"].items()}
    values = {m: finished.metric(m)["mean"] for m in ("accuracy", "weighted_f1")}
    return values | {f"{label}_{k}": classes[label][k]["mean"] for label in labels for k in ("precision", "f1")}


def _measured(finished: VariantRecord, labels: Sequence[str]) -> list[str]:
    means: dict[str, Any] = _means(finished, labels)
    names = [f"{label}_{k}" for label in labels for k in ("precision", "f1")]
    return [f"{100 * means[name]:.2f}" for name in [*names, "accuracy", "weighted_f1"]]
