"""The tables of differences: every variant against the reference, in the metrics that are compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossspace.evaluation.captions import METRIC_CAPTIONS, p_text
from crossspace.evaluation.comparison import Comparison
from crossspace.evaluation.power import MOST_SEEDS
from crossspace.evaluation.report_table import ReportTable
from crossspace.studies.basis import basis
from crossspace.studies.results import COMPARED, StudyRecord, VariantRecord


def difference_tables(record: StudyRecord) -> Iterator[ReportTable]:
    """A table per metric; none where there is nothing to compare."""
    if len(record.variants) < 2:
        return
    for metric in COMPARED:
        pairs = [(v, record.comparisons[metric][v.name]) for v in record.others]
        count = len(pairs)
        caption = (
            f"Variant minus {record.reference.title}, in percentage points. The interval says whether the difference "
            "would come out with other conversations of the same kind and other trainings (variance between "
            "conversations by the paired jackknife, between trainings from the seeds; t distribution). p says whether, "
            "given these trained models, it could come from which of the two did well on which conversation "
            "(permutation test). "
        )
        if count > 1:
            caption += f"Both are corrected for the {count} comparisons together (Bonferroni; Holm). "
        # Both are needed, see :mod:`crossspace.evaluation.comparison`.
        caption += "Told apart: the interval excludes 0 and p is below 0.05. "
        caption += "Seeds needed: of each, for a t test at 5 % to see half the difference with 80 % power. "
        yield ReportTable(
            f"differences-{metric.replace('_', '-')}",
            f"Differences in {METRIC_CAPTIONS[metric]}",
            caption + basis(record),
            ["variant", "difference", *_corrected(count), "told apart", "seeds needed"],
            [[v.title, *_compared(comparison)] for v, comparison in pairs],
            [_comparison_values(v, record, metric, comparison) for v, comparison in pairs],
        )


def _corrected(count: int) -> list[str]:
    """Headings of interval and p-value."""
    return ["95 % interval", "p"] if count == 1 else [f"95 % interval, corrected for {count}", "p (Holm)"]


def _comparison_values(
    finished: VariantRecord, record: StudyRecord, metric: str, comparison: Comparison
) -> dict[str, Any]:
    low, high = comparison.interval or (None, None)
    return {
        "variant": finished.name,
        "reference": record.reference.name,
        "metric": metric,
        "difference": comparison.difference,
        "standard_error": comparison.standard_error,
        "degrees_of_freedom": comparison.freedom,
        "corrected_for": comparison.together,
        "low_corrected": low,
        "high_corrected": high,
        "p_value": comparison.p_value,
        "p_holm": comparison.p_holm,
        "told_apart": comparison.apart,
        "seeds_needed": comparison.seeds_needed,
    }


def _compared(comparison: Comparison) -> list[str]:
    # The search for the number of seeds ends there, so it may be any number above.
    most = "> " if comparison.seeds_needed == MOST_SEEDS else ""
    needed = "–" if comparison.seeds_needed is None else f"{most}{comparison.seeds_needed:,}"
    return [
        _signed(comparison.difference),
        "–"
        if comparison.interval is None
        else f"{_signed(comparison.interval[0])} to {_signed(comparison.interval[1])}",
        p_text(comparison.p_holm),
        "yes" if comparison.apart else "no",
        needed,
    ]


def _signed(fraction: float) -> str:
    # A minus sign is as wide as a plus; a hyphen is not.
    return f"{100 * fraction:+.2f}".replace("-", "−")
