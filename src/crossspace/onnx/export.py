"""Writes a model as ONNX, and compares what ONNX Runtime makes of it with what PyTorch does before anything is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from crossspace import __version__
from crossspace.batching.batch import Batch
from crossspace.digests import write_sums
from crossspace.errors import CrossspaceError, MismatchError, UnsuitableError, UsageError
from crossspace.features.extractors.base import TextExtractor, named
from crossspace.inference.infer import infer
from crossspace.inference.probabilities import Inference
from crossspace.models.base import Model
from crossspace.onnx.description import DESCRIPTION, MODEL, REQUIREMENTS, TEXT_MODEL, TOKENIZER, Description
from crossspace.onnx.folder import whole_folder
from crossspace.onnx.graph import Graph
from crossspace.onnx.predictor import ExportedPredictor
from crossspace.onnx.requirements import requirements
from crossspace.onnx.session import session_of
from crossspace.onnx.text import ExportedText
from crossspace.onnx.text_export import compared_texts, export_text, read_items
from crossspace.onnx.tracing import OPSET, TracingError, check_size, need_exporter, write_onnx
from crossspace.predict import Predictor

TOLERANCE = 1e-5
"""The largest difference of a probability between PyTorch and ONNX Runtime."""
_TRACED = 7
_LENGTHS = (1, 2, 3, 5, 12, 37, 120)
"""Utterances of the conversations that are compared; none has as many as the one that is traced."""
_SHARES = (1.0, 0.7, 0.3, 0.0)
"""Of utterances that have a modality."""
_LONGEST = 65_536
"""Utterances up to which the graph is proven to hold."""


def export(
    predictor: Predictor,
    folder: Path,
    *,
    card: str | None = None,
    text: TextExtractor | None = None,
    notes: list[str] | None = None,
) -> Description:
    """Write ``model.onnx`` with what is needed to predict by it without PyTorch.

    The graph reads one conversation of any number of utterances and any pattern of missing modalities. Before the
    folder appears, ONNX Runtime and PyTorch are compared on random conversations of other lengths than the one that was
    traced.

    Args:
        predictor: of the model.
        folder: a new one.
        card: what is written as ``README.md``, if anything.
        text: the extractor of its texts, where it is to be written too, as ``text.onnx`` with its tokenizer.
        notes: takes a sentence where it cannot be.

    Returns:
        What was written, with the largest difference that was found.

    Raises:
        UsageError: the folder exists, or the model cannot be one graph for conversations of every length.
        MismatchError: the extractor is not the one whose features the model was trained on.
        CrossspaceError: ONNX Runtime says something else than PyTorch; nothing is written.
        MissingExtraError: a library of the extra ``onnx`` is not installed.
    """
    need_exporter()
    if folder.exists():
        raise UsageError(f"{folder} should be a new folder. It exists; name another one, or remove it.")
    if predictor.model.no_graph:
        raise _no_graph(predictor.model, predictor.model.no_graph)
    trained = dict(predictor.extractors.get("text", {}))
    if text is not None and text.identity != trained:
        raise MismatchError(
            f"Model {predictor.name} was trained on text features of {named(trained) or 'no known extractor'}. Found "
            f"{named(text.identity)}, whose vectors it would read as those. Give the extractor that it was trained on."
        )
    with whole_folder(folder) as partial:
        found = _written(predictor, partial)
        found = found if text is None else _with_text(found, predictor, text, partial, notes)
        (partial / DESCRIPTION).write_text(found.text(), encoding="utf-8")
        (partial / REQUIREMENTS).write_text(requirements(texts=found.text_encoder is not None), encoding="utf-8")
        if card is not None:
            (partial / "README.md").write_text(card, encoding="utf-8")
        write_sums(partial, [DESCRIPTION, MODEL, TEXT_MODEL, TOKENIZER])
    return found


def _written(predictor: Predictor, partial: Path) -> Description:
    model = predictor.model.cpu().eval()
    check_size(model, f"Model {predictor.name}")
    generator = torch.Generator().manual_seed(0)
    first = random_conversation(model, _TRACED, 0.7, generator)
    with torch.inference_mode():
        heads = tuple(model(first).unimodal)
    _write_graph(model, heads, first, partial / MODEL)
    description = Description(
        model=model.name,
        task=model.task,
        causal=model.causal,
        heads=heads,
        opset=OPSET,
        difference=0.0,
        checked=0,
        details=model.details,
        release={"crossspace": __version__, "torch": torch.__version__.split("+")[0]},
    )
    difference, checked = _compared(model, ExportedPredictor(session_of(partial / MODEL), description), generator)
    return replace(description, difference=difference, checked=checked)


def _with_text(
    found: Description, predictor: Predictor, text: TextExtractor, partial: Path, notes: list[str] | None
) -> Description:
    """The description with that of the encoder of texts, which is written; without where it cannot be."""
    try:
        encoder = export_text(text, partial)
    except UnsuitableError as error:
        for name in (TEXT_MODEL, TOKENIZER):
            (partial / name).unlink(missing_ok=True)
        if notes is not None:
            notes.append(f"The text extractor {text.name!r} was not exported: {str(error).rstrip('.')}.")
        return found
    found = replace(found, text_encoder=encoder)
    exported = ExportedPredictor(session_of(partial / MODEL), found)
    difference = _compared_from_texts(predictor.model, exported, text, ExportedText(partial, encoder))
    return replace(found, difference=max(found.difference, difference), checked=found.checked + 1)


def _compared_from_texts(model: Model, exported: ExportedPredictor, text: TextExtractor, other: ExportedText) -> float:
    """The largest difference of a probability in one conversation, from texts to what is said of them."""
    items = read_items(text, compared_texts(other.limit or 0))
    width, absent = model.task.widths["text"], np.zeros(len(items), dtype=bool)
    by_both = []
    for extractor in (text, other):
        found = extractor.extract(items)
        there = np.array([isinstance(vector, np.ndarray) for vector in found])
        rows = [vector if isinstance(vector, np.ndarray) else np.zeros(width) for vector in found]
        values = {m: np.zeros((len(items), d), dtype=np.float32) for m, d in model.task.widths.items()}
        values["text"] = np.stack(rows).astype(np.float32)
        by_both.append((values, {m: there if m == "text" else absent for m in model.task.modalities}))
    (values, present), (others, also_present) = by_both
    speakers = [place % model.task.speaker_slots for place in range(len(items))]
    batch = Batch(
        features={m: torch.from_numpy(rows) for m, rows in values.items()},
        present={m: torch.from_numpy(rows) for m, rows in present.items()},
        lengths=torch.tensor([len(items)]),
        speakers=torch.tensor(speakers),
        labels=torch.full((len(items),), -100),
    )
    difference = _difference(infer(model, [batch]), exported.infer(others, also_present, speakers))
    _check(model, difference, f"a conversation of {len(items)} texts")
    return difference


def _check(model: Model, difference: float, where: str) -> None:
    if not difference <= TOLERANCE:
        raise CrossspaceError(
            f"Model {model.name!r}: ONNX Runtime and PyTorch should agree to {TOLERANCE:g} in every probability. Found "
            f"a difference of {difference:g} in {where}. Nothing was written; please report this with the versions of "
            "torch, onnxscript and onnxruntime."
        )


def _write_graph(model: Model, heads: tuple[str, ...], first: Batch, path: Path) -> None:
    rows = torch.export.Dim("utterances", min=2, max=_LONGEST)
    given = (dict(first.features), dict(first.present), first.speakers)
    names = {m: {0: rows} for m in model.task.modalities}
    inputs = [*(f"features.{m}" for m in names), *(f"present.{m}" for m in names), "speakers"]
    outputs = ["logits", *(f"unimodal.{m}" for m in heads)]
    free = (names, dict(names), {0: rows})
    try:
        write_onnx(Graph(model, heads), path, given, free, inputs, outputs, strict=True)
    except TracingError as error:
        raise _no_graph(model, str(error)) from error


def _no_graph(model: Model, reason: str) -> UnsuitableError:
    return UnsuitableError(
        f"Model {model.name!r} cannot be exported: {reason}. One graph has to hold for conversations of every length. "
        "Predict with the model itself, or train one that can be exported, such as css or sdt."
    )


def _compared(model: Model, exported: ExportedPredictor, generator: torch.Generator) -> tuple[float, int]:
    """The largest difference of a probability, and in how many conversations it was looked for."""
    worst, checked = 0.0, 0
    for length in _LENGTHS:
        for share in _SHARES:
            batch = random_conversation(model, length, share, generator)
            said = exported.infer(
                {m: rows.numpy() for m, rows in batch.features.items()},
                {m: rows.numpy() for m, rows in batch.present.items()},
                batch.speakers.tolist(),
            )
            difference = _difference(infer(model, [batch]), said)
            _check(model, difference, f"a conversation of {length} utterances")
            worst, checked = max(worst, difference), checked + 1
    return worst, checked


def _difference(one: Inference, other: Inference) -> float:
    pairs = [(one.probabilities, other.probabilities), *((one.unimodal[m], other.unimodal[m]) for m in one.unimodal)]
    # Rows of a missing modality are NaN in both; where one of them alone is, the difference is NaN and refused.
    gaps = [np.where(np.isnan(a) & np.isnan(b), 0.0, np.abs(a - b)).max(initial=0.0) for a, b in pairs]
    return float(np.max(gaps))


def random_conversation(model: Model, length: int, share: float, generator: torch.Generator) -> Batch:
    """A conversation of features as the model has seen them, each there with a probability of ``share``."""
    features, present = {}, {}
    for modality, width in model.task.widths.items():
        rows = torch.randn(length, width, generator=generator)
        features[modality] = _as_measured(model, modality, rows)
        present[modality] = torch.rand(length, generator=generator) < share
        features[modality][~present[modality]] = 0.0
    speakers = torch.randint(0, model.task.speaker_slots, (length,), generator=generator)
    labels = torch.full((length,), -100)
    return Batch(features=features, present=present, lengths=torch.tensor([length]), speakers=speakers, labels=labels)


def _as_measured(model: Model, modality: str, rows: Tensor) -> Tensor:
    """Rows of the mean and the deviation that a model with scaling has measured."""
    scaling = getattr(model, "standardise", None)
    if scaling is None:
        return rows
    scale = getattr(scaling, f"scale_{modality}")
    deviation = torch.where(scale > 0, 1.0 / torch.where(scale > 0, scale, 1.0), 0.0)
    return rows * deviation + getattr(scaling, f"mean_{modality}")
