"""From a saved model to predictions with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from crossspace.batching.batch import Batch
from crossspace.batching.collate import batch_of
from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.digests import check_sums
from crossspace.errors import DataError, MismatchError
from crossspace.evaluation.predictions import prediction_table, with_truth
from crossspace.hub import HubName, fetching, is_hub_name
from crossspace.inference.fit import check_conversation, check_corpus, unmatched
from crossspace.inference.fit import said_unmatched as said_unmatched
from crossspace.inference.infer import Inference, batches_of, infer
from crossspace.inference.stream import Stream
from crossspace.inference.whole import read_whole
from crossspace.models.base import Model
from crossspace.reading import reading
from crossspace.stores import Place, Where, place


class Predictor:
    """Predicts the emotion of every utterance of conversations.

    Args:
        model: in evaluation mode.
        name: how messages call it.
    """

    def __init__(self, model: Model, name: str = "model") -> None:
        self.model, self.name = model.eval(), name

    @classmethod
    def from_pretrained(cls, source: Where | None = None) -> Predictor:
        """Load from a run folder (the seed with the best validation score), a seed's folder, or a hub name.

        Args:
            source: which, also by its address on a store; ``owner/name@revision`` is a branch, a tag or a commit of
                a repository; the model in the box, which reads text only, if none.

        Raises:
            DataError: there is no usable model, or the hub does not give it.
        """
        if source is None:
            from crossspace.pretrained import FOLDER

            source = FOLDER
        folder = place(source)
        if not isinstance(folder, Path):
            seed = _best_seed(folder)
            return cls(Model._from_pretrained(model_id=str(seed)), name=str(seed))
        # A folder wins over a name on a hub, which then takes no network.
        if folder.is_dir():
            folder = _best_seed(folder)
            return cls(Model._from_pretrained(model_id=str(folder)), name=str(folder))
        if not is_hub_name(folder):
            raise DataError(
                f"{source} should be the folder of a run, of a seed, or a name on a hub. Found "
                f"{'a file; the model comes first, then the data' if folder.is_file() else 'neither'}."
            )
        name = HubName.read(str(source))
        with fetching(name):
            return cls(Model._from_pretrained(model_id=name.repository, revision=name.revision), name=str(source))

    @property
    def task(self) -> TaskSpec:
        """Labels, modalities and speakers of the model."""
        return self.model.task

    @property
    def causal(self) -> bool:
        """Whether predictions depend on past context only."""
        return self.model.causal

    @property
    def kind(self) -> str:
        """The name of the model, such as ``css``."""
        return self.model.name

    @property
    def details(self) -> Mapping[str, Any]:
        """What the model knows beside its weights."""
        return self.model.details

    def predict(
        self, conversation: Conversation, *, extractors: Mapping[str, Mapping[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """One record per utterance.

        Keys: ``utterance_id``; ``label``; ``probabilities`` ``{label: p}``; ``unimodal`` ``{modality: {label: p}}``,
        what each present modality alone would say; ``contributions`` ``{modality: x}``, the Shapley value of each
        modality that the conversation has, in probability of the predicted label: they add up to its probability
        minus the one the model gives when it sees no modality at all. Leaving a modality out means leaving it out of
        the whole conversation, context included.

        Args:
            conversation: with features of modalities that the model knows.
            extractors: ``{modality: {"name", "version", "parameters"}}``, what made the features, where that is known.

        Raises:
            MismatchError: the features do not have the widths of the model, or others made them than those that the
                model was trained on.
            DataError: a probability is not finite.
        """
        check_conversation(self.name, self.task, self.extractors, conversation, extractors or {})
        return read_whole(self.model, conversation)

    def stream(self, *, contributions: bool = True, window: int = 100) -> Stream:
        """A conversation to be predicted while it goes on, one utterance at a time: see :class:`Stream`."""
        return Stream(self.model, contributions=contributions, window=window)

    def predict_corpus(self, corpus: Corpus, split: str | None = "all") -> pa.Table:
        """A prediction table over a split of a corpus.

        Raises:
            MismatchError: corpus and model do not fit; both sides are named.
        """
        inference = self.infer_corpus(corpus, split)
        return prediction_table(corpus.utterances(split), inference.probabilities, self.task.labels, inference.unimodal)

    def predict_conversations(self, corpus: Corpus, split: str | None, indices: Sequence[int]) -> pa.Table:
        """A prediction table over some conversations of a split of a corpus that fits, by their place in it."""
        utterances = corpus.utterances(split, indices)
        inference = infer(self.model, [self._batch(corpus, split, indices, utterances["speaker"].to_pylist())])
        return prediction_table(utterances, inference.probabilities, self.task.labels, inference.unimodal)

    def infer_corpus(self, corpus: Corpus, split: str | None) -> Inference:
        """Probabilities for a split of a corpus."""
        self.check(corpus)
        return infer(self.model, self.batches(corpus, split))

    def probabilities(self, corpus: Corpus) -> np.ndarray:
        """(N, C) of all utterances of a corpus."""
        return self.infer_corpus(corpus, "all").probabilities

    def check(self, corpus: Corpus) -> None:
        """Raise :class:`MismatchError` unless the corpus has features that the model was trained on."""
        check_corpus(self.name, self.task, self.extractors, corpus)

    @property
    def extractors(self) -> Mapping[str, Mapping[str, Any]]:
        """What made the features that the model was trained on, by modality."""
        return dict(self.model.details.get("extractors", {}))

    def unmatched(self, corpus: Corpus, split: str | None = "all") -> tuple[list[str], list[str]]:
        """Modalities that the model knows and no utterance of the split has, and those of the corpus it does not use.

        Either is allowed, and either may be a modality under another name: it should be said wherever a model meets
        a corpus. :func:`said_unmatched` puts it into words.
        """
        return unmatched(self.task.modalities, corpus.occurring(split))

    def check_labels(self, corpus: Corpus) -> None:
        """Raise :class:`MismatchError` unless corpus and model have the same labels in the same order."""
        if corpus.spec.labels != self.task.labels:
            raise MismatchError(
                f"Model {self.name} knows the labels {list(self.task.labels)}, corpus {corpus.name!r} "
                f"{list(corpus.spec.labels)}. They should be the same, in the same order."
            )

    def batches(self, corpus: Corpus, split: str | None) -> Iterator[Batch]:
        """A split of a corpus as the model was trained to see it, in order."""
        speakers, at = corpus.speaker_names(split), 0
        lengths = corpus.lengths(split)
        for group in batches_of(lengths):
            rows = sum(lengths[conversation] for conversation in group)
            yield self._batch(corpus, split, group, speakers[at : at + rows])
            at += rows

    def _batch(self, corpus: Corpus, split: str | None, group: Sequence[int], speakers: Sequence[str]) -> Batch:
        batch, indices, at = batch_of(corpus, split, group), list[int](), 0
        # Speakers are numbered per conversation, so the flat list is walked along with the conversations.
        for length in batch.lengths.tolist():
            indices += self.task.speaker_indices(speakers[at : at + length])
            at += length
        return self._as_trained(batch, indices)

    def _as_trained(self, batch: Batch, speakers: Sequence[int]) -> Batch:
        """The batch with the model's modalities and speaker indices; what the corpus lacks is missing everywhere."""
        rows = len(batch)
        features, present = {}, {}
        for m, width in self.task.widths.items():
            known = m in batch.features
            # Zeros under a mask that says missing: they are never taken for data.
            features[m] = batch.features[m] if known else torch.zeros(rows, width)
            present[m] = batch.present[m] if known else torch.zeros(rows, dtype=torch.bool)
        return replace(
            batch, features=features, present=present, speakers=torch.tensor(speakers, dtype=torch.long), complete=None
        )


def predictions_of(predictor: Predictor, corpus: Corpus, split: str, seed: int) -> pa.Table:
    """The prediction table of a split with seed, split, truth, text and times."""
    predictor.check_labels(corpus)
    return with_truth(predictor.predict_corpus(corpus, split), corpus.utterances(split), seed, split)


def _best_seed(folder: Place) -> Place:
    if not isinstance(folder, Path) and not folder.is_dir():
        found = "a file; the model comes first, then the data" if folder.is_file() else "nothing"
        raise DataError(f"{folder} should be the folder of a run, or of a seed. Found {found}.")
    if (folder / "exported.json").exists():
        raise DataError(
            f"{folder} should hold a model of PyTorch. Found one that was exported: 'crossspace predict', 'crossspace "
            "analyze' and crossspace.onnx.ExportedPredictor take it; everything else takes the model that was exported."
        )
    if (folder / "model.safetensors").exists() and (folder / "config.json").exists():
        return folder
    seeds = []
    results: list[Place] = [*folder.glob("seed-*/result.json")]
    for path in sorted(results, key=str):
        # The score decides which model answers, so it has to be the one that was written.
        check_sums(path.parent)
        with reading(path, "how a seed ended", "Train that seed again."):
            seeds.append((float(json.loads(path.read_text(encoding="utf-8"))["best_score"]), path.parent))
    if not seeds:
        raise DataError(
            f"{folder} should be a run folder with finished seeds, or a folder with config.json and model.safetensors. "
            "Found neither; if the run was interrupted, finish it by 'crossspace train ... --resume'."
        )
    # The best on the split that chose the epoch; the first of equals.
    return max(seeds, key=lambda seed: seed[0])[1]
