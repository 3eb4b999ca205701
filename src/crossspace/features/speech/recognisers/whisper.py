"""Whisper by faster-whisper, which runs on a CPU."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.errors import UsageError
from crossspace.features.checkpoint import short_name
from crossspace.features.speech.recognisers.base import Doubt, Heard, HeardWord, Recogniser
from crossspace.features.speech.recognisers.whisper_files import checked_folder, model_digest
from crossspace.reading import reading
from crossspace.runtime import optional_import, processors

_SILENT = 0.6
"""Probability of no speech from which unlikely words are taken for what Whisper makes of noise."""
_UNLIKELY = -1.0
"""Mean logarithm of the probability of its tokens below which a segment is guessed."""
_REPEATED = 2.4
"""How well a text can be compressed from which it is the same words again and again."""
_JOINS = ("-", "'", "\u2019")
"""How a part of a word begins that Whisper gives as a word of its own."""


class Whisper(Recogniser):
    """Whisper in 8-bit integers on the CPU, by faster-whisper; its greedy path alone, so that words do not vary.

    A model is a folder in the format of CTranslate2 (``model.bin``, ``config.json``, ``tokenizer.json``, a vocabulary),
    or its name where a hub can be reached (``small``, ``OWNER/NAME``). What Whisper is known to make up is left out and
    told: words where there is no speech, the same words again and again, what it gives a low probability itself.

    Args:
        model: the folder or name.
        language: of the recordings, such as ``en``; found in each recording where none is given.
        beam: paths that are followed at once.
    """

    name = "whisper"
    licence = "MIT"
    argument = "model"

    def __init__(self, model: str, language: str | None = None, beam: int = 5) -> None:
        if not 1 <= beam <= 16:
            raise UsageError(f"'beam' of whisper should be from 1 to 16. Found {beam}.")
        library = optional_import("faster_whisper", "asr")
        folder = checked_folder(model)
        self._name, self._model, self.beam = model, _loaded(library, folder, model), beam
        if language is not None and language not in self._model.supported_languages:
            raise UsageError(
                f"'language' of {model} should be one of {', '.join(sorted(self._model.supported_languages))}. "
                f"Found {language!r}."
            )
        self.language = language
        # The release as well: it decides how words are put together and timed.
        self.version = f"{model_digest(folder)}, faster-whisper {importlib.metadata.version('faster-whisper')}"
        self.parameters = {"model": short_name(model), "beam": beam}
        if language is not None:
            self.parameters["language"] = language

    def language_of(self, samples: np.ndarray) -> str | None:
        """As given, or as Whisper finds it; none for a model of one language."""
        if self.language is not None or not self._model.model.is_multilingual:
            return self.language
        with _using(self._name):
            return str(self._model.detect_language(samples)[0])

    def recognise(self, samples: np.ndarray, language: str | None = None) -> Heard:
        """The words that can be believed, and why others cannot."""
        with _using(self._name):
            segments = list(self._transcribed(samples, language))
        words: list[HeardWord] = []
        doubts: list[Doubt] = []
        for segment in segments:
            if (reason := _doubt(segment)) is not None:
                doubts.append(Doubt(float(segment.start), float(segment.end), reason))
            else:
                words += _words(segment.words or ())
        return Heard(tuple(words), tuple(doubts))

    def _transcribed(self, samples: np.ndarray, language: str | None) -> Iterator[Any]:
        segments, _ = self._model.transcribe(
            samples,
            language=language or self.language,
            beam_size=self.beam,
            # One temperature: with more, what is unlikely is drawn again at random.
            temperature=0.0,
            # A mistake would be carried from one stretch to the next, and a stretch could not be kept by itself.
            condition_on_previous_text=False,
            word_timestamps=True,
            # Judged below, where what is left out can be told.
            no_speech_threshold=None,
            log_prob_threshold=None,
            compression_ratio_threshold=None,
        )
        return iter(segments)  # they are heard one by one, as they are asked for


def _loaded(library: Any, folder: Path, model: str) -> Any:
    with _using(model):
        return library.WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=_threads(), local_files_only=True
        )


def _using(model: str) -> AbstractContextManager[object]:
    # Some damage shows only when the model is used: a vocabulary of another one, settings of another kind.
    return reading(model, "a Whisper model that CTranslate2 can use", "Copy or convert it again.")


def _threads() -> int:
    import torch

    # A worker process has told PyTorch how many are its share.
    return max(1, min(torch.get_num_threads(), processors()))


def _doubt(segment: Any) -> str | None:
    """Why a segment is not believed, if it is not."""
    if segment.compression_ratio > _REPEATED:
        return "the same words again and again"
    if segment.no_speech_prob > _SILENT and segment.avg_logprob < _UNLIKELY:
        return "words where there is no speech"
    if segment.avg_logprob < _UNLIKELY:
        return "words that are a guess"
    return None


def _words(words: Iterable[Any]) -> list[HeardWord]:
    """The words of a segment; what joins the word before without a space belongs to it: ``ill-disposed``."""
    heard: list[HeardWord] = []
    for word in words:
        # Plain floats: those of NumPy cannot be written as JSON.
        text, start, end, sure = str(word.word), float(word.start), float(word.end), float(word.probability)
        if heard and text.startswith(_JOINS):
            before = heard.pop()
            text, start, sure = before.text + text, before.start, min(before.confidence, sure)
        heard.append(HeardWord(text, start, end, sure))
    return heard
