"""A small corpus whose texts say their label, and a tiny random network to learn it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.features.finetuned.settings import FineTuning
from crossspace.finetuning.plan import Plan
from crossspace.finetuning.run import finetune

pytest.importorskip("peft")
pytest.importorskip("transformers")

WORDS = {"joy": ("aaaa", "aa aa", "aaa"), "anger": ("zzzz", "zzz", "z zz"), "calm": ("mmm", "mm", "mm mm")}
SETTINGS = FineTuning(
    adapters=4, epochs=5, batch_size=8, tokens=48, learning_rate=5e-3, head_rate=5e-2, class_weights=0
)


def conversations(count: int, seed: int) -> list[Conversation]:
    random = np.random.default_rng(seed)
    labels = list(WORDS)
    made = []
    for number in range(count):
        said = []
        for place in range(int(random.integers(2, 5))):
            label = labels[int(random.integers(3))]
            word = WORDS[label][int(random.integers(3))]
            said.append(Utterance(f"{seed}-{number}-{place}", "AB"[place % 2], f"{word} {seed}.{number}", label=label))
        made.append(Conversation(f"{seed}-{number:02d}", tuple(said)))
    return made


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Twenty-four training conversations, eight in validation and in test; one utterance has no text, one no label."""
    train = conversations(24, 1)
    first = train[0].utterances
    silent = Utterance("silent", "A", None, label="joy")
    open_ = Utterance("open", "B", "hm", label=None)
    train[0] = Conversation(train[0].id, (*first, silent, open_))
    parts = {"train": train, "validation": conversations(8, 2), "test": conversations(8, 3)}
    return Corpus(parts, TaskSpec(tuple(WORDS), {"text": 1}), name="words")


@pytest.fixture(scope="session")
def plan(corpus: Corpus, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Plan]:
    """Makes plans for that corpus and the tiny network."""
    path = tmp_path_factory.mktemp("words") / "words.parquet"
    corpus.write(path)

    def make(**changes: object) -> Plan:
        settings = changes.pop("settings", SETTINGS)
        return Plan(path, f"transformers:{folders['text']}", settings, folds=2, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def turned(plan: Callable[..., Plan]) -> Plan:
    """A plan with one earlier turn."""
    return plan(settings=replace(SETTINGS, context_turns=1))


@pytest.fixture(scope="session")
def tuned(once: Callable[[str, Callable[[Path], None]], Path], turned: Plan) -> Path:
    """A finished fine-tuning by that plan."""

    def fill(folder: Path) -> None:
        finetune(turned, folder)

    return once("finetuned", fill)
