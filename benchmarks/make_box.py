"""``python -m benchmarks.make_box``: a calibrated model and its fine-tuned encoder become the model in the box.

Both are copied into the package, and the model names the encoder without a path: whoever has the package has both.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from safetensors.torch import load_file

from crossspace.errors import DataError
from crossspace.features.extractors.finetuned import FineTunedText, encoder_folders
from crossspace.features.finetuned.saved import ADAPTERS, CLASSIFIER, SavedEncoder
from crossspace.predict import Predictor
from crossspace.pretrained import ENCODER, FOLDER


def put(model: Path, encoder: Path, language: str) -> None:
    """Copy a model and its encoder into the package.

    Args:
        model: as ``crossspace calibrate`` wrote it.
        encoder: folder of the seed of the fine-tuning.
        language: ISO 639 code of what both learned from.

    Raises:
        DataError: the model was not trained on features of that encoder.
    """
    made = Predictor.from_pretrained(model).model
    trained = made.details["extractors"]["text"]
    settings = {key: value for key, value in trained["parameters"].items() if key != "model"}
    if FineTunedText(str(encoder), **settings).identity != trained:
        raise DataError(f"{model} was trained on features of another encoder than {encoder}: {trained}.")
    (folder,) = encoder_folders(encoder, settings["encoder"])
    parts = {"classifier.": load_file(folder / CLASSIFIER), "encoder.": load_file(folder / ADAPTERS)}
    weights = {prefix + name: value for prefix, values in parts.items() for name, value in values.items()}
    shutil.rmtree(ENCODER, ignore_errors=True)
    replace(SavedEncoder.read(folder), name="box").write(ENCODER, weights)
    made.details["extractors"]["text"] = FineTunedText(**settings).identity
    made.details["language"] = language
    made.save(FOLDER)


def main(words: Sequence[str] | None = None) -> int:
    """Put a model into the package."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make_box", description=__doc__)
    parser.add_argument("model", type=Path, help="folder that 'crossspace calibrate' wrote")
    parser.add_argument("encoder", type=Path, help="folder of the seed of 'crossspace finetune'")
    parser.add_argument("--language", default="en", help="of what they learned from (ISO 639)")
    given = parser.parse_args(words)
    put(given.model, given.encoder, given.language)
    print(FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
