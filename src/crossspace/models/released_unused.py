"""What the released code of MMGCN and MM-DFN holds beside the model and never uses."""

from __future__ import annotations

import torch
from torch import nn

from crossspace.data.task import TaskSpec

_LONGEST = 200
"""Utterances of the longest conversation that the released attention was made for."""


def unused_parameters(task: TaskSpec, width: int, graph_width: int) -> nn.ParameterList:
    """Frozen parameters that nothing reads.

    An attention over utterances, a gated one over modalities, maps of the features into and out of the graph, and
    embeddings of modalities and of speakers.

    Args:
        task: modalities, classes, and speakers without the overflow index.
        width: of the rows.
        graph_width: of the nodes.
    """
    modalities, speakers = len(task.modalities), task.speaker_slots - 1
    joined = width + graph_width
    shapes = [(_LONGEST, width), *_map(width, width), (1, width), *_map(width, width) * 3, (2 * width,)]
    shapes += _map(joined, graph_width) * 3 + _map(3 * joined, 1) * 3
    shapes += _map(width, width) * modalities + _map(modalities * joined, graph_width)
    shapes += [*_map(graph_width, len(task.labels)), (modalities, width), *[(speakers, width)] * modalities]
    return nn.ParameterList(nn.Parameter(torch.zeros(shape), requires_grad=False) for shape in shapes)


def _map(width: int, out_width: int) -> list[tuple[int, ...]]:
    return [(out_width, width), (out_width,)]
