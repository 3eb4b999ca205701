"""A calibrated copy of a trained model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from crossspace.cli.main import main
from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.errors import DataError, UsageError
from crossspace.evaluation.calibration import at_temperature
from crossspace.experiment.calibrate import calibrate
from crossspace.predict import Predictor


def test_the_answers_stay_and_the_confidence_changes(finished_run: Path, tiny_corpus: Corpus, tmp_path: Path) -> None:
    before = Predictor.from_pretrained(finished_run)
    found = calibrate(finished_run, tiny_corpus, tmp_path / "calibrated", right=0.6)
    after = Predictor.from_pretrained(tmp_path / "calibrated")
    plain, sure = before.probabilities(tiny_corpus), after.probabilities(tiny_corpus)
    np.testing.assert_allclose(sure, at_temperature(plain, found.temperature), atol=1e-9)
    assert (plain.argmax(1) == sure.argmax(1)).all() and abs(found.temperature - 1) > 1e-3
    # Another program reads the same from the description.
    stated = json.loads((tmp_path / "calibrated" / "config.json").read_text())["details"]["calibration"]
    assert stated["temperature"] == found.temperature and stated["split"] == "validation"
    # What is asked about is what was chosen on the labels.
    validation = Corpus({"test": list(tiny_corpus.split("validation"))}, tiny_corpus.spec)
    said = after.probabilities(validation)
    index = {label: i for i, label in enumerate(tiny_corpus.spec.labels)}
    truth = np.array([index[u.label] for c in validation.split("test") for u in c.utterances])
    told = said.max(1) >= found.unsure_below
    assert found.left_open == pytest.approx(1 - told.mean())
    assert not told.any() or (said.argmax(1) == truth)[told].mean() >= 0.6


def test_calibrating_twice_is_calibrating_once(finished_run: Path, tiny_corpus: Corpus, tmp_path: Path) -> None:
    once = calibrate(finished_run, tiny_corpus, tmp_path / "once")
    assert calibrate(tmp_path / "once", tiny_corpus, tmp_path / "twice") == once
    with pytest.raises(DataError, match="new folder"):
        calibrate(finished_run, tiny_corpus, tmp_path / "once")


def test_what_a_model_learned_from_or_what_has_no_labels_does_not_calibrate_it(
    finished_run: Path, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="validation split"):
        calibrate(finished_run, tiny_corpus, tmp_path / "a", split="train")
    with pytest.raises(UsageError, match=r"between 0 and 1.*Found 80"):
        calibrate(finished_run, tiny_corpus, tmp_path / "a", right=80)
    conversations: list[Conversation] = [c.without_labels() for c in tiny_corpus.split("validation")]
    bare = Corpus({"validation": conversations}, tiny_corpus.spec, name="bare")
    with pytest.raises(DataError, match="Found none in the validation split"):
        calibrate(finished_run, bare, tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("key", "value"), [("temperature", 0), ("temperature", "warm"), ("unsure_below", 2), ("right", None)]
)
def test_a_calibration_that_cannot_be_is_refused(
    finished_run: Path, tiny_corpus: Corpus, tmp_path: Path, key: str, value: object
) -> None:
    calibrate(finished_run, tiny_corpus, tmp_path / "c")
    path = tmp_path / "c" / "config.json"
    config = json.loads(path.read_text())
    config["details"]["calibration"][key] = value
    path.write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"config\.json"):
        Predictor.from_pretrained(tmp_path / "c")
    config["details"]["calibration"] = [1]
    path.write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"config\.json.*no mapping"):
        Predictor.from_pretrained(tmp_path / "c")


def test_the_command_says_what_it_did(
    finished_run: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["calibrate", str(finished_run), str(corpus_file), "--out", str(tmp_path / "c"), "--right", "0.999999"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "temperature" in said and str(tmp_path / "c") in said
    stated = json.loads((tmp_path / "c" / "config.json").read_text())["details"]["calibration"]
    assert ("all is left open" in said) == (stated["unsure_below"] == 1)
