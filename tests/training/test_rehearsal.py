"""Code from outside takes one step before anything is written; what it does wrong leaves no folder behind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from crossspace.balance import FixedWeights
from crossspace.cli.main import main
from crossspace.components.registry import OUTSIDE
from crossspace.data.corpus import Corpus
from crossspace.errors import UsageError
from crossspace.models import Model
from crossspace.training.options import TrainingOptions
from crossspace.training.rehearsal import rehearse

OPTIONS = TrainingOptions(epochs=1)


class NoNumber(FixedWeights):
    """A balancer that divides zero by zero."""

    def weights(self, losses, gram):
        return losses.double() * torch.nan


def test_a_model_that_can_be_trained_passes(tiny_corpus: Corpus, example: type[Model]) -> None:
    rehearse(tiny_corpus, OPTIONS, example(tiny_corpus.spec), FixedWeights())


def test_a_balancer_that_gives_no_number_is_refused(tiny_corpus: Corpus, example: type[Model]) -> None:
    with pytest.raises(UsageError, match=r"not finite, and the features are: look for .* the balancer"):
        rehearse(tiny_corpus, OPTIONS, example(tiny_corpus.spec), NoNumber())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("return Output(self.classifier(x)[:-1], {}, representation)", "`decode` should return"),
        ("return Output(self.classifier(x.detach()).detach(), {}, representation)", "nothing would be learnt"),
        ("return Output(self.classifier(x) / 0.0 * 0.0, {}, representation)", "not finite"),
        ("return Output(self.classifier(x) if self.training else x.long(), {}, representation)", "`decode` should"),
    ],
)
def test_the_folder_of_a_run_that_is_refused_at_its_first_step_is_not_begun(
    corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str, said: str
) -> None:
    lines = [
        "from torch import nn",
        "from crossspace import Model, Output, TaskSpec",
        "class Wrong(Model):",
        "    name, citation = 'wrong', 'none'",
        "    def __init__(self, task: TaskSpec):",
        "        super().__init__(task)",
        "        self.classifier = nn.Linear(task.widths['text'], len(task.labels))",
        "    def encode(self, batch):",
        "        return {'text': batch.features['text'] * next(self.parameters()).sum()}",
        "    def decode(self, representation, batch):",
        "        x = representation['text']",
        f"        {wrong}",
    ]
    (tmp_path / "wrong.py").write_text("\n".join(lines))
    out = tmp_path / "run"
    words = ["train", "--data", str(corpus_file), "--out", str(out), "--import", str(tmp_path / "wrong.py")]
    try:
        assert main([*words, "--model", "wrong", "--balancer", "fixed", "--device", "cpu", "--quiet"]) == 2
    finally:
        OUTSIDE.clear()
    assert said in " ".join(" ".join(capsys.readouterr()).split())
    assert not out.exists()
