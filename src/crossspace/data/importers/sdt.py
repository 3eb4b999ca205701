"""Tuples of tables by conversation: the pickles of IEMOCAP and MELD, and of corpora that are laid out like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.rules import VALIDATION_FRACTION
from crossspace.data.foreign.plain import shown
from crossspace.data.foreign.signs import refuse_other_kinds
from crossspace.data.foreign.unpickle import load_pickle
from crossspace.data.importers.assemble import assemble, most_speakers
from crossspace.data.importers.base import Importer
from crossspace.data.importers.tuples.identity import PUBLISHED, PublishedCorpus, identify
from crossspace.data.importers.tuples.layouts import LAYOUTS, TupleLayout
from crossspace.data.importers.tuples.rows import Rows
from crossspace.data.sentiment import SENTIMENTS
from crossspace.data.store.checks import refuse
from crossspace.data.store.metadata import Metadata
from crossspace.data.store.schema import SENTIMENT
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, UsageError
from crossspace.reading import reading

EXPECTED = "a pickle with a tuple of tables by conversation (--format sdt)"
_OTHERWISE = "Other arrays can be imported with --format arrays."
_MEND = "Mend the values, or say what they mean with the options of this format."
_CHOICES = ("text", "text 2", "text 3", "text 4")
_TEXTS = {"first": 0, "second": 1, "third": 2, "fourth": 3}


@dataclass(frozen=True, kw_only=True)
class Sdt(Importer):
    """Import the pickled tuples in which the field passes features of conversations around.

    Each entry is a dictionary by conversation: utterance ids, speakers, labels, one or four text vectors, audio,
    visual, sentences; then come the ids of the train, test and validation conversations. Known are the orders of SDT
    (12 entries; 13 for MELD), GraphSmile (14), DialogueRNN (9, two orders), MMGCN (10) and COSMIC (10; 11 for MELD,
    text only); which one it is, is seen from the kinds of the entries. Reading executes nothing in the file.

    Files do not say what their labels mean. IEMOCAP and MELD are known by their values (not by the length of the
    tuple); for any other corpus name the labels. IEMOCAP's speakers, M and F, are global. One-hot rows number the
    speakers of one dialogue: they become ``s0``, ``s1``, ..., local to the conversation. Ids of utterances that occur
    in several conversations are preceded by that of the conversation. Conversations of no split are left out, and
    the corpus's source says how many.

    Args:
        layout: the order of the entries; ``auto`` goes by what they hold.
        corpus: which published corpus it is; ``auto`` goes by names, speakers and labels, and takes it for none where
            they do not prove it.
        labels: names of the emotions in the order of their numbers, for a corpus that is not a published one. -1, -100,
            None and NaN are unlabelled.
        speakers: names of the speakers when they mean the same in every conversation, or how many are told apart within
            one; without it, as the published corpus has it, or as many as the conversation with most speakers has.
        name: short name of the corpus; without it, that of the published corpus or of the file.
        text: which of the text vectors to take, their average, or ``all`` of them side by side as vectors of the one
            modality.
        sentiments: names of the sentiments in the order of their numbers, for the layouts ``graphsmile``,
            ``cosmic-meld`` and ``dialoguernn-meld``, which do not say what they mean; without it they are not read.
        licence: terms under which the corpus may be used.
        extractors: what made the features: ``{modality: {"name", "version", "parameters"}}``; known for published ones.
        validation_fraction: part of the train conversations that becomes validation, by a fixed rule (see
            :func:`crossspace.data.cuts.rules.validation_ids`), when there is none.
        seed: of that choice.
        zero_rows_missing: take feature rows of nothing but zeros for missing; by default they are data.
    """

    layout: Literal[
        "auto", "sdt", "sdt-meld", "graphsmile", "dialoguernn", "dialoguernn-meld", "mmgcn", "cosmic", "cosmic-meld"
    ] = "auto"
    corpus: Literal["auto", "iemocap", "meld"] = "auto"
    labels: list[str] | None = None
    speakers: int | list[str] | None = None
    name: str | None = None
    text: Literal["first", "second", "third", "fourth", "average", "all"] = "first"
    sentiments: list[str] | None = None
    licence: str = ""
    extractors: dict[str, dict[str, Any]] = field(default_factory=dict)
    validation_fraction: float = VALIDATION_FRACTION
    seed: int = 0
    zero_rows_missing: bool = False

    def read(self, source: str | Path) -> Corpus:
        """The corpus that the pickle holds.

        Raises:
            DataError: it cannot be read, asks for anything outside the allow-list, does not hold together, or does not
                say what its labels mean.
            UsageError: an option does not fit the file.
        """
        source = Path(source)
        if source.is_file():
            refuse_other_kinds(source, ("pickle",), EXPECTED)
        entries = load_pickle(source)
        with reading(source, EXPECTED):
            return self._corpus(entries, source)

    def _corpus(self, entries: Any, source: Path) -> Corpus:
        layout = self._layout(entries, source)
        tables = {name: t for name, t in layout.tables(entries).items() if name != SENTIMENT or self.sentiments}
        rows = Rows(tables, layout.splits(entries))
        refuse(source, rows.faults, "Tables should have one row per utterance of every conversation.")
        speakers, numbers = rows.speakers(), rows.labels()
        # Twice: values of tables that do not match in length cannot be said to stand anywhere.
        refuse(source, rows.faults, _MEND)
        known = self._known(rows, speakers, numbers, source)
        labels = tuple(self.labels) if self.labels else known.labels if known else _names(numbers, source)
        columns = rows.columns([name.split(" of ")[0] if name else name for name in speakers], labels, numbers)
        sentiments = self._sentiments(layout, rows, source)
        columns[SENTIMENT] = rows.named(SENTIMENT, sentiments) if sentiments else [None] * len(speakers)
        features = self._features(layout, rows, source)
        if self.speakers is not None:
            slots: int | tuple[str, ...] = self.speakers if isinstance(self.speakers, int) else tuple(self.speakers)
        else:
            slots = known.speakers if known else most_speakers(columns)
        widths = {m: array.shape[1] for m, array in features.items()}
        vectors = {"text": sum(name in _CHOICES for name in layout.vectors)} if self.text == "all" else {}
        spec = TaskSpec(labels, widths, slots, tuple(sentiments or SENTIMENTS), vectors)
        name = self.name or (known.name if known else source.stem)
        extractors = self.extractors or (self._extractors(layout, known, features) if known else {})
        return assemble(
            columns,
            features,
            Metadata(spec, name, source.name + rows.left_out(), self.licence, extractors),
            validation_fraction=self.validation_fraction,
            seed=self.seed,
            zero_rows_missing=self.zero_rows_missing,
            faults=rows.faults + _unknown_speakers(known, columns["speaker"]),
        )

    def _layout(self, entries: Any, source: Path) -> TupleLayout:
        description = f"a tuple of {len(entries)}" if isinstance(entries, (tuple, list)) else shown(entries)
        if not isinstance(entries, (tuple, list)):
            other = "Such files of MMSA are read by --format mmsa." if isinstance(entries, Mapping) else ""
            raise DataError(f"{source}: {EXPECTED} is expected. Found {description}. {other}{_OTHERWISE}")
        faults = {layout: layout.unlike(entries) for layout in LAYOUTS}
        chosen = [layout for layout in LAYOUTS if self.layout in ("auto", layout.name)]
        fitting = [layout for layout in chosen if not faults[layout]]
        if len(fitting) == 1:
            return fitting[0]
        # Orders of the same length are what the user meant; the others would only lengthen the message.
        near = [layout for layout in chosen if len(layout.fields) == len(entries)] or chosen
        listed = "".join(f"\n  - {layout.name}: {faults[layout] or 'it fits'}" for layout in near)
        raise DataError(
            f"{source}: {EXPECTED} is expected, in a known order. Found {description}:{listed}\n{_OTHERWISE}"
        )

    def _known(
        self, rows: Rows, speakers: Sequence[str], numbers: Sequence[Any], source: Path
    ) -> PublishedCorpus | None:
        proven = identify(rows.conversations, set(speakers), {n for n in numbers if isinstance(n, int)})
        if self.corpus != "auto":
            if proven is not None and proven is not PUBLISHED[self.corpus]:
                raise UsageError(
                    f"{source}: names, speakers and labels prove {proven.name}. Found --corpus {self.corpus}."
                )
            return PUBLISHED[self.corpus]
        if proven is None and not self.labels and any(isinstance(n, int) for n in numbers):
            occurring = sorted({n for n in numbers if isinstance(n, int) and n >= 0})
            counted = f"{occurring[0]} to {occurring[-1]}" if occurring else "none"
            raise DataError(
                f"{source}: it should say what its labels mean. Found the numbers {counted} and nothing that proves a "
                "published corpus. Name them in their order with --labels A,B,C (and --name NAME); or say which "
                "corpus it is: "
                + "; ".join(f"--corpus {key} is known by this: {known.sign}" for key, known in PUBLISHED.items())
                + "."
            )
        return proven

    def _features(self, layout: TupleLayout, rows: Rows, source: Path) -> dict[str, np.ndarray]:
        texts = [name for name in layout.vectors if name in _CHOICES]
        if self.text != "first" and len(texts) == 1:
            raise UsageError(f"{source}: the layout {layout.name} has one text vector. Found --text {self.text}.")
        chosen = texts if self.text in ("average", "all") else texts[_TEXTS[self.text] :][:1]
        vectors = [rows.vectors(name) for name in chosen]
        if len({v.shape for v in vectors}) > 1:
            raise DataError(
                f"{source}: text vectors of several widths have no average and cannot stand side by side. Choose one "
                "with --text."
            )
        text = np.concatenate(vectors, axis=1) if self.text == "all" else np.mean(vectors, axis=0)
        features = {"text": text if len(vectors) > 1 else vectors[0]}
        return features | {m: rows.vectors(m) for m in ("audio", "visual") if m in layout.vectors}

    def _sentiments(self, layout: TupleLayout, rows: Rows, source: Path) -> list[str] | None:
        if self.sentiments is not None and SENTIMENT not in rows.tables:
            raise UsageError(f"{source}: the layout {layout.name} has no sentiments. Found --sentiments.")
        return self.sentiments

    def _extractors(
        self, layout: TupleLayout, known: PublishedCorpus, features: Mapping[str, Any]
    ) -> dict[str, dict[str, Any]]:
        identity = {"name": layout.name.removesuffix("-meld"), "version": known.name}
        vector = {"parameters": {"vector": self.text}} if len(layout.vectors) > 3 else {}
        return {m: {**identity, **(vector if m == "text" else {})} for m in features}


def _names(numbers: Sequence[Any], source: Path) -> tuple[str, ...]:
    """The labels of a file that writes their names, in the order of the alphabet."""
    names = {value for value in numbers if value is not None}
    if not all(isinstance(value, str) for value in names):
        raise DataError(f"{source}: labels should be numbers or names. Found both.")
    return tuple(sorted(names)) or ("unlabelled",)


def _unknown_speakers(known: PublishedCorpus | None, speakers: Sequence[str]) -> list[str]:
    if known is None or isinstance(known.speakers, int):
        return []
    strange = sorted(set(speakers) - set(known.speakers))
    wanted_names = " and ".join(known.speakers)
    return [f"speakers of {known.name} are called {wanted_names}. Found {strange[:5]}"] if strange else []
