"""What every model of the toolkit is: built from a task, batch in, logits and representations out."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from huggingface_hub import ModelHubMixin, hf_hub_download
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_numbers
from crossspace.copies import all_at_hand
from crossspace.data.task import TaskSpec
from crossspace.errors import UnsuitableError, UsageError
from crossspace.models.saved import CONFIG, WEIGHTS, load_model, write_model
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.modulation import Modulation
from crossspace.output import Output
from crossspace.parts import parts_of
from crossspace.stores import is_address, place

_CARD = """---
{{ card_data }}
---

A model of emotion recognition in conversation, saved by crossspace, which loads it. `crossspace push` writes a card
that says what it learned from, how good it is, and what it must not be used for.
"""


class Model(
    nn.Module,
    ModelHubMixin,
    coders={TaskSpec: (TaskSpec.to_dict, TaskSpec.from_dict)},
    library_name="crossspace",
    tags=["emotion-recognition-in-conversation"],
    model_card_template=_CARD,
):
    """Base of all models.

    A subclass is one file of ``crossspace/models``, or one of your own that you name: it takes a :class:`TaskSpec` and
    typed keyword arguments that can be written as JSON, calls ``super().__init__(task)``, and implements :meth:`encode`
    and :meth:`decode`. In the package it appears by itself in ``crossspace list``, in the help and in the contract
    tests.

    The two halves meet in the shared representation. A balancer needs to take gradients there, which is why a model
    says where it is.

    Attributes:
        name: how users call the model.
        citation: the paper it comes from.
        published: ``{settings: (accuracy, weighted F1)}`` in percent, which a study prints beside its own; for models
            that do not stand in Tables 1 and 2 of the paper of CSS (:mod:`crossspace.studies.published`).
        contextual: False when every utterance is predicted from itself alone, whatever the arguments.
        causal: True when no output depends on a later utterance; then conversations can be read piece by piece, since
            ``batch.layout`` carries a memory to the layers that look at other rows.
        least_modalities: of how many modalities it takes; a task with fewer is refused.
        moved: ``{argument of an earlier release: where it is now}``, dotted where it is in a part.
        no_graph: why the model cannot be exported as one graph for conversations of every length, where that is so.
        fillable: True when rows of filling change nothing about the others: rows without a label and a modality, behind
            those of the batch, that belong to no conversation. The model then asks ``batch.layout`` for no lengths,
            and takes no statistics over rows but those in which a modality is present. Recorded training steps need it.
        details: what a prediction needs to know beyond the arguments, such as the extractors of the features.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    published: ClassVar[Mapping[str, tuple[float, float]]] = {}
    contextual: ClassVar[bool] = True
    causal: bool = False
    least_modalities: ClassVar[int] = 1
    moved: ClassVar[Mapping[str, str]] = {}
    no_graph: ClassVar[str] = ""
    fillable: bool = False
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # Python 3.10 takes the mixin's `__new__` for the signature of a class that inherits its constructor.
        constructor = inspect.signature(cls.__init__)
        cls.__signature__ = constructor.replace(parameters=list(constructor.parameters.values())[1:])

    def __init__(self, task: TaskSpec) -> None:
        super().__init__()
        # Refuses what no part has, also in a part that is switched off and never built.
        check_numbers(self.arguments)
        if not task.labels:
            raise UsageError("A model needs at least one label. The task has none: its corpus is not labelled.")
        if len(task.modalities) < self.least_modalities:
            raise UnsuitableError(
                f"Model {self.name!r} relates modalities to each other and needs at least {self.least_modalities}. The "
                f"task has {list(task.modalities)}. Choose another model, or join features of another modality."
            )
        self.task = task
        self.details: dict[str, Any] = {}

    @abstractmethod
    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The shared representation, and whatever else the objectives need of the encoders.

        Returns:
            ``{modality: (N, d)}`` of every utterance in the context of its conversation, and beside them further
            tensors by names of their own, of any number of rows: per pair, per layer, per conversation.

        Note:
            Training cuts the graph here. :meth:`decode` receives everything returned as new leaves; gradients are taken
            down to these for each objective, added up there, and sent on through the encoders. Therefore:

            * What an objective reads reaches it through :meth:`decode`, which puts it into the representation or the
              extras of the :class:`~crossspace.output.Output`. Objectives read that and the batch, nothing else.
            * Nothing that :meth:`encode` computes is kept on the model for :meth:`decode` or an objective: it would
              bypass the cut, and a step with micro-batches decodes other conversations than were encoded last.
              Training looks at the graph and refuses it.
            * Balancers that compare gradients over the representation compare them over all of these tensors that hold
              floating-point numbers: an objective that reads a further one alone would have no gradient otherwise.
            * With several processes each holds its own conversations. Every row returned belongs to some of them; what
              depends on parameters alone, such as a penalty, is for :meth:`decode`.
        """

    @abstractmethod
    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Predictions from what :meth:`encode` returned, the batch and the parameters; it reads nothing else."""

    def forward(self, batch: Batch) -> Output:
        """Predict every utterance of the batch in the context of its conversation."""
        return self.decode(self.encode(batch), batch)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments the model was built with, defaults included; saved beside the weights."""
        known = self._hub_mixin_config if isinstance(self._hub_mixin_config, dict) else {}
        parts = parts_of(type(self))
        return {
            key: parts[key].complete(value, key) if key in parts else value
            for key, value in known.items()
            if key != "task"
        }

    @classmethod
    def translated(cls, arguments: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Arguments as an earlier release may have written them, as the constructor takes them today.

        What is not understood stays as it is, to be refused under its name.

        Args:
            arguments: from a saved model or a layer of a configuration.
            earlier: the arguments below that layer.
        """
        return dict(arguments)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Measure on the training split what the model wants to know before training: the scale of the features.

        A model that scales them has a :class:`~crossspace.nn.standardise.Standardise` called ``standardise``.
        """
        scaling = getattr(self, "standardise", None)
        if scaling is not None:
            scaling.fit(batches)

    def scaled(self, batch: Batch, modality: str) -> Tensor:
        """(N, D) features of a modality, scaled where the model scales them; what stands in missing rows is nothing."""
        scaling = getattr(self, "standardise", None)
        features = batch.features[modality]
        return features if scaling is None else scaling(modality, features)

    def parameters_but(self, *modules: nn.Module | None) -> list[nn.Parameter]:
        """All parameters but those of some parts, and those that are frozen."""
        apart = {id(p) for module in modules if module is not None for p in module.parameters()}
        return [p for p in self.parameters() if p.requires_grad and id(p) not in apart]

    def objectives(self) -> Sequence[Objective]:
        """The objectives of the paper; a balancer turns them into one step."""
        return [CrossEntropy()]

    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters whose gradients a balancer compares; all of them unless a model says otherwise."""
        return [p for p in self.parameters() if p.requires_grad]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part of the architecture, for tables of sizes, rate factors and modulation."""
        return {name: list(module.parameters()) for name, module in self.named_children()}

    def rate_factors(self) -> Mapping[str, float]:
        """By name of a parameter group, what its learning rate is multiplied by; all train at the same rate if none."""
        return {}

    def numbers_per_pair(self) -> float:
        """How many numbers a training step keeps for every two utterances of one conversation, for its gradient.

        Training refuses a conversation for which that is more than the memory of the machine. 0 where memory grows
        with the length alone.
        """
        return 0.0

    def modulation(self) -> Modulation | None:
        """What scales the gradients of parameter groups between clipping and the update; nothing by default."""
        return None

    def save(self, folder: Path, weights: Mapping[str, Tensor] | None = None) -> None:
        """Write ``config.json`` and ``model.safetensors`` to ``folder``, each whole or not at all.

        Args:
            folder: where to.
            weights: a state of the model, the one it is in if none is given.
        """
        write_model(self, folder, weights)

    def _save_pretrained(self, save_directory: Path) -> None:
        self.save(save_directory)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> Model:
        if is_address(model_id):
            folder = place(model_id)
            with all_at_hand(folder / CONFIG, folder / WEIGHTS) as (config, weights):
                return load_model(config, weights)
        folder = Path(model_id)
        if folder.is_dir():
            files = {name: folder / name for name in (CONFIG, WEIGHTS)}
        else:
            keys = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            chosen = {key: options[key] for key in keys if key in options}
            files = {name: Path(hf_hub_download(model_id, name, **chosen)) for name in (CONFIG, WEIGHTS)}
        return load_model(files[CONFIG], files[WEIGHTS])
