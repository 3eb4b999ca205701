"""The table of predictions: one row per utterance, what is known of it and what a model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from crossspace.runtime import replacing
from crossspace.stores import Where, place


def prediction_table(
    utterances: pa.Table,
    probabilities: np.ndarray,
    labels: Sequence[str],
    unimodal: Mapping[str, np.ndarray] | None = None,
) -> pa.Table:
    """``conversation_id``, ``utterance_id``, ``position``, ``speaker``, ``label``, ``confidence``, ``p_<label>`` ...

    Args:
        utterances: the index columns of N utterances.
        probabilities: (N, C) of the fused prediction.
        labels: names of the classes.
        unimodal: ``{modality: (N, C)}``; adds ``label_<modality>``, null where the modality is missing.
    """
    columns = {name: utterances[name] for name in ("conversation_id", "utterance_id", "position", "speaker")}
    columns["label"] = pa.array([labels[i] for i in probabilities.argmax(1)], pa.string())
    # The largest of no rows has no type of its own.
    columns["confidence"] = pa.array(probabilities.max(1) if len(probabilities) else np.zeros(0))
    for index, label in enumerate(labels):
        columns[f"p_{label}"] = pa.array(probabilities[:, index])
    for modality, alone in (unimodal or {}).items():
        # NaN marks utterances that lack the modality; the largest of NaN would name the first emotion.
        named = [None if np.isnan(row).any() else labels[int(row.argmax())] for row in alone]
        columns[f"label_{modality}"] = pa.array(named, pa.string())
    return pa.table(columns)


def with_truth(table: pa.Table, utterances: pa.Table, seed: int, split: str) -> pa.Table:
    """The table with ``seed`` and ``split`` before it and ``truth``, ``text``, ``start`` and ``end`` behind it."""
    rows = table.num_rows
    front = {"seed": pa.array(np.full(rows, seed)), "split": pa.array([split] * rows, pa.string())}
    back = {"truth": utterances["label"], **{name: utterances[name] for name in ("text", "start", "end")}}
    columns = {name: table[name] for name in table.column_names}
    return pa.table({**front, **columns, **back})


def write_table(table: pa.Table, target: Where) -> None:
    """Write a table as CSV or Parquet, as its ending says, whole or not at all."""
    import pyarrow.csv
    import pyarrow.parquet

    target = place(target)
    with replacing(target) as temporary:
        if target.suffix == ".csv":
            pyarrow.csv.write_csv(table, temporary)
        else:
            pyarrow.parquet.write_table(table, temporary, write_page_checksum=True)
