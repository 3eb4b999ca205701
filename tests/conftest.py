"""Tasks, batches, corpora and runs that tests of several folders share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from crossspace.data.batch import Batch
from crossspace.data.corpus import Corpus
from crossspace.data.importers.synthetic import Synthetic
from crossspace.data.task import UNLABELLED, TaskSpec

TINY_MODEL = {"name": "css", "width": 8, "heads": 2, "rank": 4, "order": 2, "dropout": 0.2, "standardise": True}
TINY_TRAINING = {"epochs": 3, "batch_size": 3, "learning_rate": 0.01, "warmup": 0.1, "schedule": "cosine"}


@pytest.fixture(scope="session")
def task() -> TaskSpec:
    return TaskSpec(("joy", "anger", "calm"), {"text": 6, "audio": 5, "visual": 4}, speakers=2)


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., Batch]:
    """Builds a random batch for a task; modalities are missing and labels unknown with the given probabilities."""

    def build(
        task: TaskSpec,
        lengths: Sequence[int],
        missing: float = 0.0,
        unlabelled: float = 0.0,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> Batch:
        random = torch.Generator().manual_seed(seed)
        rows = sum(lengths)
        present = {m: torch.rand(rows, generator=random) >= missing for m in task.widths}
        features = {
            m: torch.randn(rows, d, generator=random, dtype=dtype) * present[m].unsqueeze(1)
            for m, d in task.widths.items()
        }
        labels = torch.randint(len(task.labels), (rows,), generator=random)
        unknown = torch.rand(rows, generator=random) < unlabelled
        return Batch(
            features=features,
            present=present,
            lengths=torch.tensor(list(lengths), dtype=torch.long),
            speakers=torch.randint(task.speaker_slots, (rows,), generator=random),
            labels=torch.where(unknown, UNLABELLED, labels),
            conversation_ids=tuple(f"c{i}" for i in range(len(lengths))),
        )

    return build


@pytest.fixture(scope="session")
def take() -> Callable[[Batch, Sequence[int]], Batch]:
    """Builds the batch of some conversations of a batch, in the given order."""

    def pick(batch: Batch, conversations: Sequence[int]) -> Batch:
        parts = torch.arange(len(batch)).split(batch.lengths.tolist())
        rows = torch.cat([parts[c] for c in conversations] or [torch.arange(0)])
        return Batch(
            features={m: x[rows] for m, x in batch.features.items()},
            present={m: p[rows] for m, p in batch.present.items()},
            lengths=batch.lengths[list(conversations)],
            speakers=batch.speakers[rows],
            labels=batch.labels[rows],
            conversation_ids=tuple(batch.conversation_ids[c] for c in conversations),
        )

    return pick


@pytest.fixture(scope="session")
def tiny_corpus() -> Corpus:
    """Seven conversations to train on, two to choose the epoch with, three to test on."""
    made = Synthetic(
        train=7, validation=2, test=3, shortest=2, longest=6, missing=0.1, widths={"text": 4, "audio": 3, "visual": 2}
    )
    return made.read()


@pytest.fixture(scope="session")
def corpus_file(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "tiny.parquet"
    tiny_corpus.write(path)
    return path


@pytest.fixture(scope="session")
def tiny_tree() -> dict[str, dict]:
    """A configuration that trains in a moment."""
    return {"model": dict(TINY_MODEL), "balancer": {"name": "pgm"}, "training": dict(TINY_TRAINING)}


@pytest.fixture(scope="session")
def finished_run(
    tiny_corpus: Corpus, corpus_file: Path, tiny_tree: dict[str, dict], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a run with two seeds; tests read it and leave it as it is."""
    from crossspace.configuration import make_configuration
    from crossspace.experiment import Run
    from crossspace.training.devices import Devices

    folder = tmp_path_factory.mktemp("finished") / "run"
    Run(make_configuration(tiny_tree), tiny_corpus, corpus_file, folder, [0, 1], Devices("cpu")).execute()
    return folder
