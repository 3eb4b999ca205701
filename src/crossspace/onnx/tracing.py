"""From a network of PyTorch to an ONNX file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from crossspace.errors import CrossspaceError, UnsuitableError
from crossspace.extras import optional_import

OPSET = 18
LARGEST = 2_000_000_000
"""Bytes of weights that one ONNX file holds."""


class TracingError(Exception):
    """PyTorch could not make one graph of a network; the message is the reason, without a full stop."""


def need_exporter() -> None:
    """Raise :class:`MissingExtraError` unless what writes and runs ONNX is installed."""
    for library in ("onnx", "onnxscript", "onnxruntime"):
        optional_import(library, "onnx")


def check_size(network: nn.Module, name: str) -> None:
    """Raise :class:`UnsuitableError` where the weights of a network are more than one file holds."""
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    if size > LARGEST:
        raise UnsuitableError(
            f"{name} should have at most {LARGEST:,} bytes of weights, which one ONNX file holds. Found {size:,}."
        )


def write_onnx(
    network: nn.Module,
    path: Path,
    given: tuple[Any, ...],
    free: tuple[Any, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    strict: bool,
) -> None:
    """Write a network as one file that holds its weights itself and no path of this machine.

    Args:
        network: in evaluation mode.
        path: of the file.
        given: what it is traced with.
        free: which axes of that may have other sizes, as :func:`torch.export.export` takes them.
        inputs, outputs: their names.
        strict: whether it is traced by its byte code, which sees more, or by running it.

    Raises:
        TracingError: it is not one graph for all those sizes.
    """
    try:
        with torch.no_grad(), _silence():
            exported = torch.export.export(network, given, dynamic_shapes=free, strict=strict)
            program = torch.onnx.export(
                exported,
                input_names=list(inputs),
                output_names=list(outputs),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except CrossspaceError:
        raise
    except Exception as error:  # tracing fails with nearly any exception
        raise TracingError(f"PyTorch could not trace it ({_first_line(error)})") from error
    assert program is not None  # without a file name it is returned
    _forget_sources(program.model)
    program.save(str(path), external_data=False)


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
