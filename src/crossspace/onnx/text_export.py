"""Writes the encoder of texts as ONNX, and compares what ONNX Runtime makes of texts with what PyTorch does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from crossspace.errors import CrossspaceError, UnsuitableError
from crossspace.features.extractors import from_identity
from crossspace.features.extractors.base import Feature, Missing, TextExtractor
from crossspace.features.text.passages import Passage, passages
from crossspace.features.text.text_input import TextInput
from crossspace.onnx.description import TEXT_MODEL, TOKENIZER, TextDescription
from crossspace.onnx.text import INPUTS, OUTPUT, ExportedText
from crossspace.onnx.tracing import TracingError, check_size, write_onnx
from crossspace.predict import Predictor

TOLERANCE = 1e-5
"""The largest difference of a number of a vector, in parts of its largest number where that is above 1."""
_TEXTS = 65_536
"""Texts at a time up to which the graph is proven to hold."""
_WORDS = ("we", "talked", "about", "it", "and", "then", "Ann", "left", "without", "saying", "why", "nobody", "laughed")
_SCRIPTS = (
    *(
        "a",
        "No.",
        "Oh my God!",
        "UPPER and lower, 3.50 €",
        "naïve café — “quoted”",
        "ß",
        "你好，世界",
        "こんにちは",
        "한국어",
    ),
    *("Привет", "مرحبا", "שלום", "नमस्ते", "สวัสดี", "😀👍🏽", "half a \ud83d face", "a\u200bb\u0301", "tab\tand\nline"),
    *("x" * 300, "", " ", "\u200b"),
)


def text_extractor_of(predictor: Predictor, wanted: str | None = None) -> TextExtractor | None:
    """The extractor of the texts that a model was trained on; ``None`` where it reads none.

    Args:
        predictor: of the model.
        wanted: how it is to be built, where what is recorded does not say where its files are.

    Raises:
        UnsuitableError: it is not known; the message is a sentence.
        CrossspaceError: it cannot be built here.
    """
    if "text" not in predictor.task.modalities:
        return None
    trained = predictor.extractors.get("text")
    if not trained:
        raise UnsuitableError("The model does not say what made the features of its texts.")
    extractor = from_identity("text", trained, wanted)
    assert isinstance(extractor, TextExtractor)
    return extractor


def export_text(extractor: TextExtractor, folder: Path) -> TextDescription:
    """Write ``text.onnx`` and ``tokenizer.json``, by which :class:`ExportedText` makes the vectors of the extractor.

    Raises:
        UnsuitableError: it cannot be one graph for any texts; the message is the reason, without a full stop.
        CrossspaceError: ONNX Runtime gives other vectors than PyTorch.
    """
    parts = extractor.exportable()
    check_size(parts.graph, f"the encoder {extractor.name}")
    texts = torch.export.Dim("texts", min=2, max=_TEXTS)
    tokens = torch.export.Dim("tokens", min=2, max=parts.settings.limit)
    free = tuple({0: texts, 1: tokens} for _ in INPUTS)
    try:
        # By running it: networks of the library are written so that this holds for every size.
        write_onnx(
            parts.graph.eval(), folder / TEXT_MODEL, _traced(parts.settings), free, INPUTS, [OUTPUT], strict=False
        )
    except TracingError as error:
        raise UnsuitableError(str(error)) from error
    (folder / TOKENIZER).write_text(parts.tokenizer, encoding="utf-8")
    description = TextDescription(parts.settings, extractor.width, 0.0, 0)
    difference, checked = _compared(extractor, ExportedText(folder, description), parts.settings)
    return TextDescription(parts.settings, extractor.width, difference, checked)


def _traced(settings: TextInput) -> tuple[torch.Tensor, ...]:
    """Three texts of up to seven tokens, of which one is shorter."""
    ids = torch.full((3, 7), settings.pad if settings.last is None else settings.last)
    mask = torch.ones(3, 7, dtype=torch.long)
    mask[1, 4:] = 0
    return ids, mask, mask.float()


def compared_texts(limit: int) -> list[str]:
    """Texts of many scripts, and of many lengths from one word to more than ``limit`` tokens."""
    counts = [*range(1, 12), *(round(limit * share) for share in (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 0.97, 1.0, 1.3))]
    return [*_SCRIPTS, *(" ".join(_WORDS[(n + i) % len(_WORDS)] for i in range(n)) for n in counts)]


def read_items(extractor: TextExtractor, texts: Sequence[str]) -> list[str | Passage]:
    """Texts as an extractor sees them: with the turns around them where it reads any, and those that say something."""
    if not extractor.earlier + extractor.later:
        return list(texts)
    turns = [("ABC"[place % 3], text) for place, text in enumerate(texts)]
    return [found for found in passages(turns, extractor.earlier, extractor.later) if found is not None]


def _compared(extractor: TextExtractor, exported: ExportedText, settings: TextInput) -> tuple[float, int]:
    """The largest difference between vectors, and in how many texts it was looked for."""
    items = read_items(extractor, compared_texts(settings.limit))
    expected = extractor.extract(items)
    worst = 0.0
    for found in (exported.extract(items), exported.extract_together(items)):
        for item, one, other in zip(items, expected, found, strict=True):
            worst = max(worst, _checked(extractor, item, one, other))
    return worst, len(items)


def _checked(extractor: TextExtractor, item: str | Passage, one: Feature, other: Feature) -> float:
    text = item if isinstance(item, str) else item.text
    if isinstance(one, Missing) or isinstance(other, Missing):
        difference = 0.0 if one == other else float("inf")
    else:
        difference = float(np.abs(one - other).max() / max(1.0, np.abs(one).max()))
    if not difference <= TOLERANCE:
        raise CrossspaceError(
            f"Text extractor {extractor.name!r}: ONNX Runtime and PyTorch should agree to {TOLERANCE:g} in every "
            f"number of a vector. Found a difference of {difference:g} in {text[:40]!r}, of {len(text)} characters. "
            "Nothing was written; --no-text exports the model alone. Please report this with the versions of torch, "
            "onnxscript and onnxruntime."
        )
    return difference
