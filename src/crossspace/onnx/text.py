"""The encoder of texts of an exported model, without PyTorch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from crossspace.digests import file_digest
from crossspace.errors import DataError
from crossspace.extras import optional_import
from crossspace.features.extractors.base import Feature, Missing, TextExtractor
from crossspace.features.text.passages import Passage
from crossspace.features.text.text_input import TextInputs
from crossspace.features.text.tokenizer_file import panic_told
from crossspace.features.text.tokens import ROWS, STEP, TextArrays
from crossspace.onnx.description import ADVICE, TEXT_MODEL, TOKENIZER, TextDescription
from crossspace.onnx.session import session_of
from crossspace.reading import reading

INPUTS, OUTPUT = ("ids", "mask", "weights"), "vectors"
_LARGEST_TOKENIZER = 100_000_000
"""Bytes of a tokenizer.json; those of the largest vocabularies have a third."""
_PROBE = "A probe."


class ExportedText(TextExtractor):
    """Texts through the encoder that ``crossspace export`` has written beside a model.

    Its vectors are those of the extractor that was exported, but for rounding; so they are kept in caches under a name
    of their own.

    Args:
        folder: of the exported model.
        description: what is said there of the encoder.

    Raises:
        DataError: a file is missing or damaged, or is not what the description says.
        MissingExtraError: ``tokenizers`` or ONNX Runtime is not installed.
    """

    name = "exported"
    licence = "that of the network"
    batch = 512

    def __init__(self, folder: Path, description: TextDescription) -> None:
        self._folder, self._description = folder, description
        settings = description.settings
        content = _content(folder / TOKENIZER)
        with reading(folder / TOKENIZER, "a tokenizer", ADVICE), panic_told():
            pieces = optional_import("tokenizers", "text").Tokenizer.from_str(content)
            self._inputs = TextInputs(settings, pieces)
        self._session = session_of(folder / TEXT_MODEL)
        self.width, self.limit = description.width, settings.limit
        self.earlier, self.later = settings.earlier, settings.later
        # All that decides the numbers: caches find vectors by it.
        stated = json.dumps([asdict(settings), file_digest(folder / TEXT_MODEL), file_digest(folder / TOKENIZER)])
        self.version = f"sha256:{hashlib.sha256(stated.encode()).hexdigest()[:16]}"
        self.parameters = {}
        self._check()

    def _check(self) -> None:
        """Read something, so that what does not fit is told before a conversation is."""
        taken = sorted(given.name for given in self._session.get_inputs())
        if taken != sorted(INPUTS):
            raise DataError(
                f"{self._folder / TEXT_MODEL} should read {', '.join(INPUTS)}. Found {', '.join(taken)}. {ADVICE}"
            )
        self.extract([_PROBE])

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        with reading(self._folder / TOKENIZER, "the tokenizer of the encoder", ADVICE):
            return self._inputs.is_overlong(text)

    def extract(self, items: Sequence[str | Passage]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per text, or per passage where turns around an utterance are read.

        Raises:
            DataError: tokenizer and encoder are not of one model.
        """
        found = self._missing(items)
        with reading(self._folder / TOKENIZER, "the tokenizer of the encoder", ADVICE):
            # Each alone: its company then changes nothing, and a conversation has few of one length.
            read = list(self._inputs.arrays(items))
        return self._filled(read, found)

    def extract_together(self, items: Sequence[str | Passage]) -> list[Feature]:
        """The same, several texts at a time with padding, as other programs may call the graph."""
        return self._filled(self._inputs.arrays(items, rows=ROWS, step=STEP), self._missing(items))

    def _missing(self, items: Sequence[str | Passage]) -> list[Feature]:
        whole = self._description.settings.whole
        return [Missing("no readable text" if whole else "no word that is known") for _ in items]

    def _filled(self, read: Iterable[TextArrays], found: list[Feature]) -> list[Feature]:
        for one in read:
            for place, vector in zip(one.rows, self.run(one.ids, one.mask, one.weights), strict=False):
                if np.isfinite(vector).all():
                    found[place] = vector
        return found

    def run(self, ids: np.ndarray, mask: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """``(B, T)`` arrays to ``(B, D)``.

        Raises:
            DataError: they are not for this encoder.
        """
        path = self._folder / TEXT_MODEL
        with reading(path, f"an encoder that reads the tokens of {TOKENIZER} beside it", ADVICE):
            vectors = self._session.run(None, dict(zip(INPUTS, (ids, mask, weights), strict=True)))[0]
        # What a graph gives may also be a list or a mapping.
        found = (np.shape(vectors), str(vectors.dtype)) if isinstance(vectors, np.ndarray) else type(vectors).__name__
        if found != ((len(ids), self.width), "float32"):
            raise DataError(
                f"{path} should give {(len(ids), self.width)} float32 numbers, as described. Found {found}: it is "
                f"another encoder. {ADVICE}"
            )
        return np.asarray(vectors)


def _content(path: Path) -> str:
    with reading(path, "the tokenizer of an exported encoder", ADVICE):
        if path.stat().st_size > _LARGEST_TOKENIZER:
            raise ValueError(f"more than {_LARGEST_TOKENIZER:,} bytes, which no tokenizer has")
        return path.read_text(encoding="utf-8")
