from __future__ import annotations

from pathlib import Path

import pytest

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
