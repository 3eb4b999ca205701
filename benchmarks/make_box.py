"""``python -m benchmarks.make_box``: the encoders of a fine-tuning and their classifiers become the model in the box.

The encoders of all seeds (or the best in validation, ``--encoder all``) are copied into the package, their adapters in
half of the width. The model is the mean of what their classifiers say, calibrated on the validation split.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.sizes import training_sizes
from crossspace.experiment.calibrate import Calibration, calibrate
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extractors.finetuned import FineTunedText, encoder_folders
from crossspace.features.finetuned.saved import ADAPTERS, CLASSIFIER, SavedEncoder
from crossspace.finetuning.head import linear
from crossspace.pretrained import ENCODER, FOLDER


def put(encoders: Path, corpus: Corpus, encoder: str, language: str) -> Calibration:
    """Copy encoders into the package, with the model of their classifiers.

    Args:
        encoders: folder of the fine-tuning.
        corpus: that they learned from.
        encoder: ``seeds`` for the mean of all, ``all`` for the best.
        language: ISO 639 code of what they learned from.
    """
    shutil.rmtree(ENCODER, ignore_errors=True)
    for number, folder in enumerate(encoder_folders(encoders, encoder)):
        head, adapters = load_file(folder / CLASSIFIER), load_file(folder / ADAPTERS)
        weights = {f"classifier.{name}": value for name, value in head.items()}
        weights |= {f"encoder.{name}": value.half() for name, value in adapters.items()}
        saved = SavedEncoder.read(folder)
        replace(saved, name=f"box, {saved.name}").write(ENCODER / f"seed-{number}" / "all", weights)
    extractor = FineTunedText(output="logits", encoder=encoder)  # type: ignore[arg-type]
    classes = len(corpus.spec.labels)
    model = linear(corpus.spec, "text", torch.eye(classes), torch.zeros(classes))
    model.details = {
        "corpus": {"name": corpus.name, "fingerprint": corpus.fingerprint},
        "extractors": {"text": extractor.identity},
        "language": language,
        "training_sizes": training_sizes(corpus),
        "protocol": "validation",
    }
    with tempfile.TemporaryDirectory() as name:
        model.save(Path(name))
        for file in ("config.json", "model.safetensors"):
            (FOLDER / file).unlink(missing_ok=True)
        return calibrate(name, _encoded(corpus, extractor), FOLDER)


def _encoded(corpus: Corpus, extractor: FineTunedText) -> Corpus:
    """The validation split with the features of the box."""
    bare = [
        Conversation(c.id, tuple(replace(u, features={}, missing={}, encoders={}, seen={}) for u in c.utterances))
        for c in corpus.split("validation")
    ]
    spec = corpus.spec.with_widths({"text": extractor.width})
    filled = Extraction({"text": extractor}).fill(bare)
    return Corpus({"validation": filled}, spec, name=corpus.name, extractors={"text": extractor.identity})


def main(words: Sequence[str] | None = None) -> int:
    """Put a model into the package."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make_box", description=__doc__)
    parser.add_argument("encoders", type=Path, help="folder of 'crossspace finetune'")
    parser.add_argument("corpus", type=Path, help="corpus file that they learned from")
    parser.add_argument("--encoder", choices=("seeds", "all"), default="seeds", help="mean of all seeds, or the best")
    parser.add_argument("--language", default="en", help="of what they learned from (ISO 639)")
    given = parser.parse_args(words)
    print(put(given.encoders, Corpus.read(given.corpus), given.encoder, given.language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
