"""From an exported model to predictions, without PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.data.task import TaskSpec
from crossspace.digests import SUMS, check_sums
from crossspace.errors import DataError, MismatchError
from crossspace.inference.fit import check_conversation, check_corpus, unmatched
from crossspace.inference.probabilities import Inference, finite, softmax
from crossspace.inference.streaming import Streaming
from crossspace.inference.utterance_records import coalitions, utterance_records
from crossspace.onnx.description import ADVICE, DESCRIPTION, MODEL, Description
from crossspace.onnx.places import exported_folder
from crossspace.onnx.session import session_of
from crossspace.onnx.text import ExportedText
from crossspace.reading import reading

if TYPE_CHECKING:
    import pyarrow as pa

    from crossspace.data.corpus import Corpus

Rows = Mapping[str, np.ndarray]


class ExportedPredictor:
    """Predicts as :class:`crossspace.Predictor` does, by ONNX Runtime; nothing of PyTorch is imported.

    Args:
        session: of ONNX Runtime.
        description: of the model.
        name: how messages call it.
        folder: where it lies, if it was read.
    """

    def __init__(self, session: Any, description: Description, name: str = "model", folder: Path | None = None) -> None:
        self._session, self.description, self.name, self.folder = session, description, name, folder
        self._taken = {given.name for given in session.get_inputs()}
        self._given = [output.name for output in session.get_outputs()]

    @classmethod
    def from_pretrained(cls, source: str | Path) -> ExportedPredictor:
        """Load what ``crossspace export`` has written.

        Args:
            source: its folder, or the name of a repository of a hub that has it, ``owner/name`` or
                ``owner/name@revision``.

        Raises:
            DataError: there is no exported model, or it is damaged or changed, or the hub does not give it.
            MissingExtraError: ONNX Runtime is not installed.
        """
        folder = exported_folder(source)
        if folder is None:
            raise DataError(
                f"{source} should be a folder with {DESCRIPTION} and {MODEL}, as 'crossspace export' writes it, or the "
                f"name of such a one on a hub. Found {'another folder' if Path(source).is_dir() else 'none'}."
            )
        return cls.read(folder, str(source))

    @classmethod
    def read(cls, folder: Path, name: str) -> ExportedPredictor:
        """Load a folder that is called otherwise in messages, such as by its name on a hub."""
        if not (folder / SUMS).is_file():
            raise DataError(f"{name} should hold {SUMS}, by which damage is found. Found none. {ADVICE}")
        check_sums(folder, ADVICE)
        description = Description.read(folder / DESCRIPTION)
        return cls(session_of(folder / MODEL), description, name, folder)

    @property
    def task(self) -> TaskSpec:
        """Labels, modalities and speakers of the model."""
        return self.description.task

    @property
    def causal(self) -> bool:
        """Whether predictions depend on past context only."""
        return self.description.causal

    @property
    def extractors(self) -> Mapping[str, Mapping[str, Any]]:
        """What made the features that the model was trained on, by modality."""
        return self.description.extractors

    @property
    def kind(self) -> str:
        """The name of the model, such as ``css``."""
        return self.description.model

    @property
    def details(self) -> Mapping[str, Any]:
        """What the model knows beside its weights."""
        return self.description.details

    def text_extractor(self) -> ExportedText | None:
        """The encoder of texts that was exported with the model, if it was.

        Raises:
            DataError: it is damaged, or not the one that was written.
            MissingExtraError: ``tokenizers`` is not installed.
        """
        if self.description.text_encoder is None or self.folder is None:
            return None
        return ExportedText(self.folder, self.description.text_encoder)

    def check(self, corpus: Corpus) -> None:
        """Raise :class:`MismatchError` unless the corpus has features that the model was trained on."""
        check_corpus(self.name, self.task, self.extractors, corpus)

    def unmatched(self, corpus: Corpus, split: str | None = "all") -> tuple[list[str], list[str]]:
        """Modalities that the model knows and no utterance of the split has, and those that it does not use."""
        return unmatched(self.task.modalities, corpus.occurring(split))

    def predict(
        self, conversation: Conversation, *, extractors: Mapping[str, Mapping[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """One record per utterance, as :meth:`crossspace.Predictor.predict` describes it.

        Args:
            conversation: with features of modalities that the model knows.
            extractors: what made the features, where that is known.

        Raises:
            MismatchError: the features are not those of the model.
            DataError: a probability is not finite.
        """
        check_conversation(self.name, self.task, self.extractors, conversation, extractors or {})
        speakers = self.task.speaker_indices([u.speaker for u in conversation.utterances])
        return self.records(conversation, speakers)

    def stream(self, *, contributions: bool = True, window: int = 100) -> ExportedStream:
        """A conversation to be predicted while it goes on, one utterance at a time: see :class:`ExportedStream`."""
        return ExportedStream(self, contributions=contributions, window=window)

    def records(
        self, conversation: Conversation, speakers: Sequence[int], contributions: bool = True
    ) -> list[dict[str, Any]]:
        """As :meth:`predict`, of a conversation whose speakers were numbered in more than itself.

        Args:
            conversation: with features of the model's widths.
            speakers: an index for every utterance.
            contributions: whether to say what each modality adds.
        """
        utterances = conversation.utterances
        if not utterances:
            return []
        values, present = {}, {}
        for modality, width in self.task.widths.items():
            vectors = [u.features.get(modality) for u in utterances]
            present[modality] = np.array([vector is not None for vector in vectors])
            values[modality] = _stacked([u.id for u in utterances], vectors, modality, width)
        there = [m for m in self.task.modalities if present[m].any()]
        said = {
            coalition: self.infer(values, _keep(present, coalition), speakers)
            for coalition in coalitions(there)[0 if contributions else -1 :]
        }
        named = [there if contributions else []] * len(utterances)
        return utterance_records([u.id for u in utterances], self.task.labels, said, named)

    def predict_corpus(self, corpus: Corpus, split: str | None = "all") -> pa.Table:
        """A prediction table over a split of a corpus.

        Raises:
            MismatchError: corpus and model do not fit; both sides are named.
        """
        from crossspace.evaluation.predictions import prediction_table

        self.check(corpus)
        found = [self._conversation(corpus, split, place) for place in range(len(corpus.lengths(split)))]
        return prediction_table(
            corpus.utterances(split),
            _joined([said.probabilities for said in found], len(self.task.labels)),
            self.task.labels,
            {m: _joined([said.unimodal[m] for said in found], len(self.task.labels)) for m in self.description.heads},
        )

    def _conversation(self, corpus: Corpus, split: str | None, place: int) -> Inference:
        columns = corpus.columns(split, [place])
        rows = len(columns.speakers)
        values, present = {}, {}
        for m, width in self.task.widths.items():
            known = m in columns.features
            values[m] = columns.features[m] if known else np.zeros((rows, width), dtype=np.float32)
            present[m] = columns.present[m] if known else np.zeros(rows, dtype=bool)
        speakers = corpus.utterances(split, [place])["speaker"].to_pylist()
        return self.infer(values, present, self.task.speaker_indices(speakers))

    def infer(self, values: Rows, present: Rows, speakers: Sequence[int]) -> Inference:
        """What the model says of one conversation.

        Args:
            values: ``{modality: (N, D)}`` float32, anything finite where the modality is missing.
            present: ``{modality: (N,)}`` bool.
            speakers: N indices, see :meth:`crossspace.TaskSpec.speaker_indices`.

        Raises:
            DataError: a probability is not finite, or ONNX Runtime cannot run the model.
        """
        given = graph_inputs(values, present, speakers)
        if strange := sorted(self._taken - set(given)):
            raise DataError(
                f"{self.name}: {MODEL} should read what {DESCRIPTION} describes, {sorted(given)}. Found {strange} too. "
                f"{ADVICE}"
            )
        with reading(self.name, "an exported model that ONNX Runtime runs", ADVICE):
            outputs = self._session.run(None, {name: given[name] for name in self._taken})
        found = dict(zip(self._given, outputs, strict=True))
        unimodal = {}
        for m in self.description.heads:
            alone = finite(softmax(self._logits(found, f"unimodal.{m}", len(speakers))))
            alone[~present[m]] = np.nan
            unimodal[m] = alone
        logits = self._logits(found, "logits", len(speakers))
        return Inference(finite(softmax(logits, self.description.temperature)), unimodal)

    def _logits(self, found: Rows, name: str, rows: int) -> np.ndarray:
        given = found.get(name)
        shape = given.shape if isinstance(given, np.ndarray) and given.dtype == np.float32 else ()
        if given is None or shape != (rows, len(self.task.labels)):
            raise DataError(
                f"{self.name}: {MODEL} should give one number per label, {(rows, len(self.task.labels))} as {name!r}. "
                f"Found {shape or 'nothing'}: it is not the model that {DESCRIPTION} describes. {ADVICE}"
            )
        return given


class ExportedStream(Streaming):
    """As :class:`crossspace.Stream`, by an exported model, which keeps nothing and reads what was said again.

    Args:
        predictor: the model. Streams may share it; a stream itself has one user at a time.
        contributions: give ``contributions``.
        window: utterances that are read again, the new one included; all of them by a model that looks at the past
            alone, whose records are then those of a pass over the whole, as in PyTorch.
    """

    def __init__(self, predictor: ExportedPredictor, *, contributions: bool = True, window: int = 100) -> None:
        self.predictor = predictor
        super().__init__(predictor.task, contributions, window)
        if predictor.causal:
            self.window = sys.maxsize

    def _records(self, passage: Conversation, speakers: Sequence[int]) -> list[dict[str, Any]]:
        return self.predictor.records(passage, speakers, contributions=bool(self._names))


def graph_inputs(values: Rows, present: Rows, speakers: Sequence[int]) -> dict[str, np.ndarray]:
    """By their names in the graph."""
    return {
        **{f"features.{m}": np.ascontiguousarray(rows, dtype=np.float32) for m, rows in values.items()},
        **{f"present.{m}": np.ascontiguousarray(rows, dtype=bool) for m, rows in present.items()},
        "speakers": np.asarray(speakers, dtype=np.int64),
    }


def _stacked(ids: Sequence[str], vectors: Iterable[Any], modality: str, width: int) -> np.ndarray:
    values = np.zeros((len(ids), width), dtype=np.float32)
    for row, (name, vector) in enumerate(zip(ids, vectors, strict=True)):
        if vector is None:
            continue
        if np.shape(vector) != (width,):
            raise MismatchError(
                f"Utterance {name!r}: {modality} should have {width} features, found shape {np.shape(vector)}."
            )
        values[row] = vector
        if not np.isfinite(values[row]).all():
            raise MismatchError(f"Utterance {name!r}: {modality} should have finite features. Found others.")
    return values


def _keep(present: Rows, modalities: Iterable[str]) -> dict[str, np.ndarray]:
    kept = frozenset(modalities)
    return {m: rows if m in kept else np.zeros_like(rows) for m, rows in present.items()}


def _joined(parts: Sequence[np.ndarray], classes: int) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros((0, classes))
