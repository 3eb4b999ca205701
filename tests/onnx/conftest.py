from __future__ import annotations

from pathlib import Path

import pytest
import torch

from crossspace.data.corpus import Corpus
from crossspace.experiment.calibrate import calibrate
from crossspace.onnx.export import export
from crossspace.predict import Predictor


@pytest.fixture(scope="session")
def calibrated(finished_run: Path, tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained and calibrated CSS of three modalities."""
    folder = tmp_path_factory.mktemp("calibrated") / "model"
    calibrate(finished_run, tiny_corpus, folder, right=0.6)
    return folder


@pytest.fixture(scope="session")
def exported(calibrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as ONNX; tests read it and leave it as it is."""
    folder = tmp_path_factory.mktemp("exported") / "model"
    export(Predictor.from_pretrained(calibrated), folder)
    return folder


@pytest.fixture(scope="session")
def tuned(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine-tuning of an encoder that reads two turns before an utterance and one behind it, with two folds."""
    pytest.importorskip("peft")
    from crossspace.features.finetuned.saved import SavedEncoder
    from crossspace.features.finetuned.settings import FineTuning
    from crossspace.finetuning.material import Texts

    settings = FineTuning(adapters=2, adapted="all", context_turns=2, later_turns=1, tokens=48)
    root, base, material = tmp_path_factory.mktemp("tuned"), f"transformers:{folders['text']}", Texts(settings)
    for number, name in enumerate(("all", "fold-0", "fold-1")):
        torch.manual_seed(number)
        checkpoint = material.checkpoint(base)
        trained = {k: v + 0.1 * torch.randn_like(v) for k, v in material.network(checkpoint, 3).trained().items()}
        best = {"epoch": 0, "score": 0.5}
        stated = (
            checkpoint.digest,
            settings,
            ("a", "b", "c"),
            frozenset[str](),
            best,
            {},
            "text",
            str(folders["text"]),
        )
        SavedEncoder("tiny", base, *stated).write(root / name, trained)
    return root
