"""Writes a model as ONNX, and compares what ONNX Runtime makes of it with what PyTorch does before anything is kept."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crossspace import __version__
from crossspace.batching.batch import Batch
from crossspace.digests import write_sums
from crossspace.errors import CrossspaceError, UnsuitableError, UsageError
from crossspace.extras import optional_import
from crossspace.inference.infer import infer
from crossspace.inference.probabilities import Inference
from crossspace.models.base import Model
from crossspace.onnx.description import DESCRIPTION, MODEL, REQUIREMENTS, Description
from crossspace.onnx.graph import Graph
from crossspace.onnx.predictor import ExportedPredictor, session_of
from crossspace.onnx.requirements import requirements
from crossspace.predict import Predictor
from crossspace.runtime import not_written

TOLERANCE = 1e-5
"""The largest difference of a probability between PyTorch and ONNX Runtime."""
OPSET = 18
_TRACED = 7
_LENGTHS = (1, 2, 3, 5, 12, 37, 120)
"""Utterances of the conversations that are compared; none has as many as the one that is traced."""
_SHARES = (1.0, 0.7, 0.3, 0.0)
"""Of utterances that have a modality."""
_LONGEST = 65_536
"""Utterances up to which the graph is proven to hold."""
_LARGEST = 2_000_000_000
"""Bytes of weights that one ONNX file holds."""


def export(predictor: Predictor, folder: Path, *, card: str | None = None) -> Description:
    """Write ``model.onnx`` with what is needed to predict by it without PyTorch.

    The graph reads one conversation of any number of utterances and any pattern of missing modalities. Before the
    folder appears, ONNX Runtime and PyTorch are compared on random conversations of other lengths than the one that was
    traced.

    Args:
        predictor: of the model.
        folder: a new one.
        card: what is written as ``README.md``, if anything.

    Returns:
        What was written, with the largest difference that was found.

    Raises:
        UsageError: the folder exists, or the model cannot be one graph for conversations of every length.
        CrossspaceError: ONNX Runtime says something else than PyTorch; nothing is written.
        MissingExtraError: a library of the extra ``onnx`` is not installed.
    """
    for library in ("onnx", "onnxscript", "onnxruntime"):
        optional_import(library, "onnx")
    if folder.exists():
        raise UsageError(f"{folder} should be a new folder. It exists; name another one, or remove it.")
    if predictor.model.no_graph:
        raise _no_graph(predictor.model, predictor.model.no_graph)
    with _whole_folder(folder) as partial:
        found = _written(predictor, partial)
        (partial / DESCRIPTION).write_text(found.text(), encoding="utf-8")
        (partial / REQUIREMENTS).write_text(requirements(), encoding="utf-8")
        if card is not None:
            (partial / "README.md").write_text(card, encoding="utf-8")
        write_sums(partial, [DESCRIPTION, MODEL])
    return found


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``folder`` only when the block ends without an error."""
    partial: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".partial"))
        yield partial
        os.chmod(partial, 0o755)
        os.rename(partial, folder)
    except OSError as error:
        raise not_written(folder, error.strerror or str(error)) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _written(predictor: Predictor, partial: Path) -> Description:
    model = predictor.model.cpu().eval()
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    if size > _LARGEST:
        raise UnsuitableError(
            f"Model {predictor.name} should have at most {_LARGEST:,} bytes of weights, which one ONNX file holds. "
            f"Found {size:,}. Train a narrower one."
        )
    generator = torch.Generator().manual_seed(0)
    first = random_conversation(model, _TRACED, 0.7, generator)
    with torch.inference_mode():
        heads = tuple(model(first).unimodal)
    program = _program(model, heads, first)
    _forget_sources(program.model)
    program.save(str(partial / MODEL), external_data=False)
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


def _program(model: Model, heads: tuple[str, ...], first: Batch) -> Any:
    rows = torch.export.Dim("utterances", min=2, max=_LONGEST)
    given = (dict(first.features), dict(first.present), first.speakers)
    names = {m: {0: rows} for m in model.task.modalities}
    inputs = [*(f"features.{m}" for m in names), *(f"present.{m}" for m in names), "speakers"]
    outputs = ["logits", *(f"unimodal.{m}" for m in heads)]
    try:
        with torch.no_grad(), _silence():
            exported = torch.export.export(
                Graph(model, heads), given, dynamic_shapes=(names, dict(names), {0: rows}), strict=True
            )
            return torch.onnx.export(
                exported,
                input_names=inputs,
                output_names=outputs,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except CrossspaceError:
        raise
    except Exception as error:  # tracing fails with nearly any exception
        raise _no_graph(model, f"PyTorch could not trace it ({_first_line(error)})") from error


def _forget_sources(model: Any) -> None:
    """Take out where in which file of this machine every operation came from: half of a file, and nobody's business."""
    for graph in (model.graph, *model.functions.values()):
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()
        graph.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()
    model.metadata_props.clear()


def _no_graph(model: Model, reason: str) -> UnsuitableError:
    return UnsuitableError(
        f"Model {model.name!r} cannot be exported: {reason}. One graph has to hold for conversations of every length. "
        "Predict with the model itself, or train one that can be exported, such as css or sdt."
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Inside, the exporter says nothing of its own steps; what it cannot do it raises."""
    loud = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(loud)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200].rstrip(".")


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
            if not difference <= TOLERANCE:
                raise CrossspaceError(
                    f"Model {model.name!r}: ONNX Runtime and PyTorch should agree to {TOLERANCE:g} in every "
                    f"probability. Found a difference of {difference:g} in a conversation of {length} utterances. "
                    "Nothing was written; please report this with the versions of torch, onnxscript and onnxruntime."
                )
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
