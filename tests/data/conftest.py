"""Corpora that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec

WIDTHS = {"text": 5, "audio": 3}
TEXTS = ("It’s fine – “really”", None, "お元気ですか 🙂", "")


@pytest.fixture
def make_conversation() -> Callable[..., Conversation]:
    """Builds a conversation of some utterances; each modality is present with probability ``p``."""

    def build(name: str, length: int, p: float = 0.7, seed: int = 0) -> Conversation:
        random = np.random.default_rng([seed, length, *name.encode()])
        utterances = tuple(
            Utterance(
                id=f"{name}/{i}",
                speaker=("Zoë", "Ben", "Cy")[int(random.integers(3))],
                text=TEXTS[i % 4],
                start=float(i) if i % 2 else None,
                end=i + 0.5 if i % 2 else None,
                label=(None, "joy", "anger")[int(random.integers(3))],
                features={
                    m: random.normal(size=d).astype(np.float32) for m, d in WIDTHS.items() if random.random() < p
                },
            )
            for i in range(length)
        )
        return Conversation(name, utterances)

    return build


@pytest.fixture
def spec() -> TaskSpec:
    return TaskSpec(("joy", "anger"), WIDTHS, speakers=2)


@pytest.fixture
def corpus(make_conversation: Callable[..., Conversation], spec: TaskSpec) -> Corpus:
    """Twelve conversations in three splits and one without, one of them with a single utterance."""
    lengths = (7, 1, 30, 12, 5, 90, 3, 250, 8, 16, 2, 300)
    made = [make_conversation(f"dialogue {i:02d} é", n) for i, n in enumerate(lengths)]
    return Corpus(
        {"train": made[:6], "dev": made[6:8], "test": made[8:11], None: made[11:]},
        spec,
        name="small",
        source="made by hand",
        licence="CC0-1.0",
        extractors={"text": {"name": "words", "version": "2", "parameters": {"layer": 3}}},
    )
