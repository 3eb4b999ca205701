"""HAUCL (Yi et al., ACM Multimedia 2024): a hypergraph that is reconstructed twice, and a contrast of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_positive, check_shares, check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.haucl.convolution import Convolution
from crossspace.models.haucl.generator import Generator, Release
from crossspace.models.haucl.losses import Generation, ReleasedGeneration
from crossspace.models.haucl.structure import Structure
from crossspace.models.leading import leading_modality
from crossspace.nn.dropout import Dropout
from crossspace.nn.hypergraph import node_blocks
from crossspace.nn.linear import Linear
from crossspace.nn.node_features import NodeFeatures
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.contrastive import ViewContrast
from crossspace.objectives.focal import ReleasedFocalLoss
from crossspace.output import Output


class HAUCL(Model):
    """M3NET's hypergraph, whose incidences a variational autoencoder keeps or drops, twice.

    Every modality of a conversation and every utterance is a hyperedge. The generator pools nodes into hyperedges and
    back by attention, draws latents of both, and from the two latents of every incidence whether it is kept. Over what
    was kept a hyperedge is the mean of its nodes, and a node receives from its two hyperedges. Two such reconstructions
    are summed for the classes, and a contrast of both over all nodes of the batch holds them together. Three
    objectives, summed: cross-entropy, contrast, and the losses of the generator. Train it with the balancer ``fixed``.

    Args:
        task: labels, modalities and speakers.
        width: d of the nodes and everything inside; even.
        recurrent_layers: of the GRU that reads the leading modality.
        recurrent_dropout: between its layers.
        dropout: inside the generator and before the classes.
        head: width of the linear layer before the classes, as a multiple of their number.
        leading: the modality that is read in context and knows its speaker; the text if none, or the first of a task
            without text. Where its features are several vectors, each is normalised and the mean is taken.
        relaxation: temperature of the choice whether an incidence is kept.
        temperature: of the contrast.
        contrastive: weight of the contrast; 0 leaves it out.
        generative: weight of the losses of the generator; 0 leaves them out.
        loss: ``cross-entropy``, or ``released-focal`` as in the released codes for MELD.
        release: ``sound``, or what one of the two released codes computes. ``z`` (zhziming/HAUCL) contrasts the first
            reconstruction with itself, and draws pairs that do not belong together from the whole batch. ``y``
            (yzjred/-HAUCL) keeps every incidence by a weight, uses that of another node and in the divisor alone, draws
            no pairs, and contrasts without a projection. Both divide divergences by the number of nodes twice, count
            hyperedges that are none, and have a weight for every place in a batch of at most 1,000 hyperedges.
        standardise: scale features by mean and deviation of the training split; the released codes do not.
        hold_unused: also hold, frozen, what the released code holds and never uses. Nothing changes but the number of
            parameters, which with ``release="z"`` is then the released one.

    Note:
        Random are latents, choices and absent pairs, and in training alone: evaluation takes the means of the latents,
        the more probable choice, and evenly spread pairs, where the released codes draw in evaluation too. The default
        follows Z but for what ``release`` says is mended: each node is compared with as many hyperedges of its own
        conversation that do not hold it as with those that do, and a hyperedge has the weight of its modality, or that
        of all utterances.

        A modality that is missing in an utterance has no node: it is in no hyperedge, nothing attends to it, and it has
        no loss. The contrast keeps its similarities up to a number and computes them again beyond. The extra row of the
        speaker table serves speakers beyond those told apart.
    """

    name = "haucl"
    citation = (
        "Yi et al., Multimodal Fusion via Hypergraph Autoencoder and Contrastive Learning for Emotion Recognition in "
        "Conversation, ACM Multimedia 2024, arXiv:2408.00970"
    )

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 512,
        recurrent_layers: int = 2,
        recurrent_dropout: float = 0.5,
        dropout: float = 0.5,
        head: int = 12,
        leading: str | None = None,
        relaxation: float = 0.1,
        temperature: float = 0.5,
        contrastive: float = 0.1,
        generative: float = 0.8,
        loss: Literal["cross-entropy", "released-focal"] = "cross-entropy",
        release: Release = "sound",
        standardise: bool = False,
        hold_unused: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(recurrent_layers=recurrent_layers)
        check_counts(most=None, width=width, head=head)
        check_shares(recurrent_dropout=recurrent_dropout, dropout=dropout)
        check_positive(relaxation=relaxation, temperature=temperature)
        check_weights(contrastive=contrastive, generative=generative)
        if release not in get_args(Release):
            raise UsageError(f"`release` should be one of {list(get_args(Release))}. Found {release!r}.")
        if loss not in ("cross-entropy", "released-focal"):
            raise UsageError(f"`loss` should be 'cross-entropy' or 'released-focal'. Found {loss!r}.")
        lead, count, classes = leading_modality(task, leading), len(task.widths), len(task.labels)
        self.loss, self.release, self.temperature = loss, release, temperature
        self.contrastive, self.generative = contrastive, generative
        self.standardise = Standardise(task.widths) if standardise else None
        vectors, slots = task.vectors.get(lead, 1), task.speaker_slots
        self.nodes = NodeFeatures(task.widths, lead, vectors, width, slots, recurrent_layers, recurrent_dropout)
        self.entry = Linear(width, width)
        self.generator = Generator(width, dropout, release, relaxation)
        self.convolution = Convolution(width, count, release)
        projected = contrastive != 0 and release != "y"
        layers = (Linear(width, width), nn.ReLU(inplace=True), Linear(width, width))
        self.projection = nn.Sequential(*layers) if projected else None
        self.dropout = Dropout(dropout)
        self.hidden = Linear(2 * count * width, head * classes)
        self.classifier = Linear(head * classes, classes)
        self.unused = _unused(width) if hold_unused else None

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """For every modality (N, 2 width), its nodes and the sum of what they become in both reconstructions.

        Beside them both reconstructions, (N M, width) each, the modalities of an utterance one after the other, and the
        losses of the generator for every utterance, and for every modality of every conversation.
        """
        layout, present = batch.layout, {m: batch.presence(m) for m in self.task.modalities}
        rows = self.nodes({m: self.scaled(batch, m) for m in present}, batch.speakers, layout, present)
        raw = torch.stack(list(rows.values()), dim=1)
        there, complete = (
            torch.stack([batch.present[m] for m in present], dim=1),
            all(mask is None for mask in present.values()),
        )
        structure = Structure(layout, there, complete)
        entered = self.entry(raw.flatten(0, 1)).view_as(raw)
        if not complete:
            entered = torch.where(there[..., None], entered, 0.0)
        blocks = node_blocks(entered.unbind(1), layout)
        generated = self.generator(entered, blocks, structure)
        views = self.convolution(entered, blocks, structure, generated.kept)
        both = torch.cat([raw, views.sum(2)], dim=2)
        encoded = dict(zip(present, both.unbind(1), strict=True))
        first, second = views.flatten(0, 1).unbind(1)
        losses = {f"generated.{name}": values for name, values in generated.losses.items()}
        return {**encoded, "first_view": first, "second_view": second, **losses}

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance, and what contrast and generator are judged by."""
        names = self.task.modalities
        rows = torch.relu(self.dropout(torch.cat([representation[m] for m in names], dim=1)))
        extras = {k: x for k, x in representation.items() if k.startswith("generated.")}
        extras["shown"] = torch.stack([batch.present[m] for m in names], dim=1).flatten()
        views = [representation[v] for v in ("first_view", "second_view")]
        if self.release == "z":
            views[1] = views[0]
        if self.projection is not None:
            first = self.projection(views[0])
            views = [first, first if self.release == "z" else self.projection(views[1])]
        extras |= dict(zip(("first_view", "second_view"), views, strict=True))
        if self.release != "sound":
            extras["generated.phantom"] = self.generator.phantom()
        logits = self.classifier(self.hidden(rows))
        return Output(logits, {}, {m: representation[m] for m in names}, extras)

    def objectives(self) -> list[Objective]:
        """The cross-entropy, or what the released codes have in its place, the contrast, and the generator's losses."""
        objectives: list[Objective] = [CrossEntropy() if self.loss == "cross-entropy" else ReleasedFocalLoss()]
        if self.contrastive:
            views = ("first_view", "second_view", "shown")
            objectives.append(ViewContrast(*views, temperature=self.temperature, weight=self.contrastive))
        if self.generative:
            kind = Generation if self.release == "sound" else ReleasedGeneration
            objectives.append(kind(self.task.modalities, self.generative))
        return objectives

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the classifier and the projection."""
        return self.parameters_but(self.hidden, self.classifier, self.projection)


def _unused(width: int) -> nn.ParameterList:
    """Frozen parameters that nothing reads.

    Two tables of weights of nodes, one of hyperedges, four attributes of hyperedges, and two matrices and a linear map
    of the convolution.
    """
    shapes = [(5200,), (5200,), (1000,), (4, width), (width, width), (width, width), (width, width), (width,)]
    return nn.ParameterList(nn.Parameter(torch.zeros(shape), requires_grad=False) for shape in shapes)
