"""A table of predictions, one row per seed and utterance, to the content of ``results.json``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from crossspace.errors import DataError
from crossspace.evaluation.bootstrap import intervals
from crossspace.evaluation.calibration import Reliability, brier_score, reliability
from crossspace.evaluation.confusion import confusion_per_group
from crossspace.evaluation.scores import METRICS, Scores, scores

_REQUIRED = ("seed", "conversation_id", "utterance_id", "label", "truth")


@dataclass(frozen=True, eq=False)
class _Rows:
    """The labelled rows of one seed: indices (N,), probabilities (N, C) or ``None``."""

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    conversation: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None


def aggregate(
    predictions: pa.Table, labels: Sequence[str], *, protocol: str, split: str = "test", resamples: int = 2000
) -> dict[str, Any]:
    """The results of a run over all its seeds, as fractions, ready for JSON.

    Keys: ``protocol``, ``split``, ``seeds``; ``metrics.<m>`` with ``mean``, ``std``, ``interval`` and ``values`` (one
    per seed); ``per_class.<label>`` with ``precision``, ``recall``, ``f1`` (each ``mean``, ``std``, ``values``) and
    ``support``; ``confusion`` (C, C), rows truth, mean over seeds; ``calibration`` where probabilities are at hand.
    ``std`` is the sample standard deviation over seeds, and null for a single seed: one training shows no spread,
    which is not the same as a spread of 0. ``interval`` is described in :func:`~.bootstrap.intervals`.

    Args:
        predictions: columns ``seed``, ``conversation_id``, ``utterance_id``, ``label``, ``truth`` (nullable) and,
            where there are any, ``split`` and ``p_<label>``. Rows without a truth are not scored.
        labels: names of the classes in index order.
        protocol: ``validation`` or ``best-on-test``; written through.
        split: the rows that count.
        resamples: draws of the bootstrap.

    Raises:
        DataError: a column is missing, a label is unknown, seeds hold different utterances, or nothing is labelled.
    """
    seeds, _, rows = _by_seed(_labelled(predictions, split), [str(label) for label in labels])
    per_seed = [scores(r.truth, r.predicted, labels) for r in rows]
    counts = _counts(rows, len(labels))
    bounds = intervals(counts, resamples=resamples)
    results: dict[str, Any] = {
        "protocol": protocol,
        "split": split,
        "seeds": seeds,
        "metrics": {m: _metric([getattr(s, m) for s in per_seed], bounds[m]) for m in METRICS},
        "per_class": {str(label): _per_class(per_seed, str(label)) for label in labels},
        "confusion": np.mean([s.confusion for s in per_seed], axis=0).tolist(),
    }
    if rows[0].probabilities is not None:
        results["calibration"] = _calibration(rows)
    return results


def counts_of(
    predictions: pa.Table, labels: Sequence[str], split: str = "test"
) -> tuple[list[int], list[str], NDArray[np.int64]]:
    """Seeds, ids of the conversations, and confusion counts (S, G, C, C) by seed and conversation.

    Conversations stand in the order of their ids, so that the counts of two models over the same utterances are
    aligned. Arguments and errors are those of :func:`aggregate`.
    """
    seeds, conversations, rows = _by_seed(_labelled(predictions, split), [str(label) for label in labels])
    return seeds, conversations, _counts(rows, len(labels))


def _counts(rows: Sequence[_Rows], classes: int) -> NDArray[np.int64]:
    # Over all seeds, so that the counts of every seed have one shape.
    groups = 1 + max(int(r.conversation.max()) for r in rows)
    return np.stack([confusion_per_group(r.truth, r.predicted, r.conversation, groups, classes) for r in rows])


def _labelled(predictions: pa.Table, split: str) -> pa.Table:
    missing = [name for name in _REQUIRED if name not in predictions.column_names]
    if missing:
        raise DataError(
            f"A prediction table needs the columns {', '.join(_REQUIRED)}. Missing: {', '.join(missing)}. "
            f"Found: {', '.join(predictions.column_names)}."
        )
    # A table made by hand may have no column of splits: all of it is then meant.
    table = predictions
    if "split" in table.column_names:
        table = table.filter(pc.equal(table["split"].cast(pa.string()), split))
    utterances = table.num_rows
    table = table.filter(pc.is_valid(table["truth"]))
    if not table.num_rows:
        raise DataError(
            f"Scoring needs labelled utterances of the split {split!r}. Found {utterances} utterances of that split, "
            "none of them labelled. Choose another split, or predict without scoring."
        )
    return table


def _by_seed(table: pa.Table, labels: list[str]) -> tuple[list[int], list[str], list[_Rows]]:
    truth, predicted = _indices(table, "truth", labels), _indices(table, "label", labels)
    names, conversation = np.unique(_strings(table, "conversation_id"), return_inverse=True)
    _, utterance = np.unique(_strings(table, "utterance_id"), return_inverse=True)
    columns = [f"p_{label}" for label in labels]
    # Either all probabilities or none: calibration over some of the classes would mean nothing.
    known = all(column in table.column_names for column in columns)
    probabilities = np.stack([table[c].to_numpy() for c in columns], axis=1).astype(np.float64) if known else None
    seed_of = table["seed"].to_numpy()
    seeds = sorted({int(seed) for seed in seed_of})
    rows, first = [], None
    for seed in seeds:
        chosen = np.flatnonzero(seed_of == seed)
        # Seeds may list utterances in different orders; rows of one place are rows of one utterance from here on.
        chosen = chosen[np.argsort(utterance[chosen], kind="stable")]
        first = utterance[chosen] if first is None else first
        if not np.array_equal(first, utterance[chosen]):
            raise DataError(
                f"Every seed should have predicted the same utterances. Seed {seeds[0]} has {len(first)} labelled "
                f"rows, seed {seed} has {len(chosen)}, and they differ. Predict the whole split with every seed."
            )
        p = None if probabilities is None else probabilities[chosen]
        rows.append(_Rows(truth[chosen], predicted[chosen], conversation[chosen], p))
    return seeds, names.tolist(), rows


def _strings(table: pa.Table, column: str) -> NDArray[np.object_]:
    return np.asarray(table[column].cast(pa.string()).to_pylist(), dtype=object)


def _indices(table: pa.Table, column: str, labels: list[str]) -> NDArray[np.int64]:
    names = table[column].cast(pa.string())
    index = pc.index_in(names, value_set=pa.array(labels, pa.string()))
    if index.null_count:
        unknown = sorted(pc.unique(names.filter(pc.is_null(index))).to_pylist(), key=str)
        raise DataError(
            f"Column {column!r} should hold the labels {', '.join(labels)}. "
            f"Found also {', '.join(map(repr, unknown[:5]))}. Use the labels and the spelling of the model."
        )
    return np.asarray(index.to_numpy(), dtype=np.int64)


def _spread(values: Iterable[float]) -> dict[str, Any]:
    values = [float(v) for v in values]
    # One value has no spread; 0 would claim that there is none.
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "std": std, "values": values}


def _metric(values: list[float], bounds: tuple[float, float] | None) -> dict[str, Any]:
    spread = _spread(values)
    interval = None if bounds is None else list(bounds)
    return {"mean": spread["mean"], "std": spread["std"], "interval": interval, "values": spread["values"]}


def _per_class(per_seed: list[Scores], label: str) -> dict[str, Any]:
    classes = [s.per_class[label] for s in per_seed]
    ratios: dict[str, Any] = {
        name: _spread(getattr(c, name) for c in classes) for name in ("precision", "recall", "f1")
    }
    return {**ratios, "support": classes[0].support}


def _calibration(rows: list[_Rows]) -> dict[str, Any]:
    """ECE and Brier score per seed, and one curve of the predictions of all seeds together."""
    per_seed = [_curve(r) for r in rows]
    # A curve per seed would rest on too few predictions a bin to be read.
    pooled = _curve(*rows)
    return {
        "ece": _spread(c.ece for c in per_seed),
        "brier": _spread(brier_score(r.probabilities, r.truth) for r in rows if r.probabilities is not None),
        "binning": pooled.binning,
        "curve": {
            name: getattr(pooled, name).tolist() for name in ("lower", "upper", "confidence", "accuracy", "count")
        },
    }


def _curve(*rows: _Rows) -> Reliability:
    p = np.concatenate([r.probabilities for r in rows if r.probabilities is not None])
    predicted = np.concatenate([r.predicted for r in rows])
    truth = np.concatenate([r.truth for r in rows])
    return reliability(p[np.arange(len(p)), predicted], predicted == truth)
