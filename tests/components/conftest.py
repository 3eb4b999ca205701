"""Files with components of a user's own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

MODEL = '''
"""A file of a user's own."""

from __future__ import annotations

import numpy as np
import torch

from crossspace import Batch, Model, Output, TaskSpec
from crossspace.balance import Balancer
from crossspace.features.extractors.base import TextExtractor
from crossspace.objectives.classification import CrossEntropy


class Lengths(TextExtractor):
    """How long a text is, four times."""

    name, licence, width, version, parameters = "lengths", "none", 4, "1", {}

    def extract(self, items):
        return [np.full(4, len(text), np.float32) for text in items]


class Doubled(CrossEntropy):
    """The cross-entropy, twice."""

    name = "doubled"

    def parts(self, output, batch, class_weights=None):
        found = super().parts(output, batch, class_weights)
        return {key: type(part)(2 * part.total, part.count) for key, part in found.items()}


class Halves(Balancer):
    """Every objective counts half."""

    name, needs = "halves", "losses"

    def weights(self, losses, gram=None):
        return torch.full(losses.shape, 0.5, dtype=torch.float64)


class Mine(Model):
    """One linear layer.

    Args:
        task: labels, modalities and speakers.
        width: of the layer.
    """

    name, citation, contextual = "mine", "unpublished", False

    def __init__(self, task: TaskSpec, *, width: int = 4) -> None:
        super().__init__(task)
        self.layer = torch.nn.ModuleDict({m: torch.nn.Linear(d, width) for m, d in task.widths.items()})
        self.head = torch.nn.Linear(width, len(task.labels))

    def encode(self, batch: Batch):
        rows = [torch.where(batch.present[m].unsqueeze(1), f(batch.features[m]), 0.0) for m, f in self.layer.items()]
        return {"rows": sum(rows)}

    def decode(self, representation, batch: Batch) -> Output:
        return Output(self.head(representation["rows"]), {}, representation)

    def objectives(self):
        return [Doubled()]
'''


@pytest.fixture(scope="session")
def model_text() -> str:
    """The text of a file with a model, a balancer, an objective and an extractor."""
    return MODEL


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file of a user's own."""

    def at(name: str, text: str = MODEL) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return at
