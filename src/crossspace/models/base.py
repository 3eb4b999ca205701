"""What every model of the toolkit is: built from a task, batch in, logits and representations out."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from huggingface_hub import ModelHubMixin, hf_hub_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from crossspace.data.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, MismatchError, UsageError
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.output import Output
from crossspace.runtime import replacing, write_text

CONFIG, WEIGHTS = "config.json", "model.safetensors"


class Model(nn.Module, ModelHubMixin, coders={TaskSpec: (TaskSpec.to_dict, TaskSpec.from_dict)}):
    """Base of all models.

    A subclass is one file of ``crossspace/models``: it takes a :class:`TaskSpec` and typed keyword arguments that can
    be written as JSON, calls ``super().__init__(task)``, and implements :meth:`encode` and :meth:`decode`. It appears
    by itself in ``crossspace list``, in the help and in the contract tests.

    The two halves meet in the shared representation. A balancer needs to take gradients there, which is why a model
    says where it is.

    Attributes:
        name: how users call the model.
        citation: the paper it comes from.
        published: ``{corpus: (accuracy, weighted F1)}`` in percent, as the paper of CSS prints them in its Tables 1 and
            2; the epoch was chosen on the test split.
        causal: True when no output depends on a later utterance; then conversations can be read piece by piece, since
            ``batch.layout`` carries a memory to the layers that look at other rows.
        contextual: False when every utterance is predicted from itself alone, whatever the arguments.
        causal: True when no output depends on a later utterance; then conversations can be read piece by piece, since
            ``batch.layout`` carries a memory to the layers that look at other rows.
        details: what a prediction needs to know beyond the arguments, such as the extractors of the features.
    """

    name: ClassVar[str]
    citation: ClassVar[str]
    published: ClassVar[Mapping[str, tuple[float, float]]] = {}
    causal: bool = False
    contextual: ClassVar[bool] = True
    causal: bool = False

    def __init__(self, task: TaskSpec) -> None:
        super().__init__()
        if not task.labels:
            raise UsageError("A model needs at least one label. The task has none: its corpus is not labelled.")
        self.task = task
        self.details: dict[str, Any] = {}

    @abstractmethod
    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The shared representation ``{modality: (N, d)}`` of every utterance in the context of its conversation."""

    @abstractmethod
    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Predictions from the shared representation; ``batch`` says what is present."""

    def forward(self, batch: Batch) -> Output:
        """Predict every utterance of the batch in the context of its conversation."""
        return self.decode(self.encode(batch), batch)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments the model was built with, defaults included; saved beside the weights."""
        known = self._hub_mixin_config
        return {key: value for key, value in known.items() if key != "task"} if isinstance(known, dict) else {}

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Measure on the training split what the model wants to know before training; nothing by default."""
        return None

    def objectives(self) -> Sequence[Objective]:
        """The objectives of the paper; a balancer turns them into one step."""
        return [CrossEntropy()]

    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters whose gradients a balancer compares; all of them unless a model says otherwise."""
        return [p for p in self.parameters() if p.requires_grad]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by part of the architecture, for tables of sizes."""
        return {name: list(module.parameters()) for name, module in self.named_children()}

    def save(self, folder: Path) -> None:
        """Write ``config.json`` and ``model.safetensors`` to ``folder``, each whole or not at all."""
        config = {
            "format": 1,
            "model": self.name,
            "spec": self.task.to_dict(),
            "arguments": self.arguments,
            "details": self.details,
        }
        with replacing(folder / WEIGHTS) as temporary:
            temporary.write_bytes(save({k: v.detach().cpu().contiguous() for k, v in self.state_dict().items()}))
        write_text(folder / CONFIG, json.dumps(config, indent=2, ensure_ascii=False) + "\n")

    def _save_pretrained(self, save_directory: Path) -> None:
        self.save(save_directory)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> Model:
        folder = Path(model_id)
        if folder.is_dir():
            files = {name: folder / name for name in (CONFIG, WEIGHTS)}
        else:
            keys = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            chosen = {key: options[key] for key in keys if key in options}
            files = {name: Path(hf_hub_download(model_id, name, **chosen)) for name in (CONFIG, WEIGHTS)}
        return load_model(files[CONFIG], files[WEIGHTS])


def load_model(config_path: Path, weights_path: Path) -> Model:
    """Build a saved model and put it into evaluation mode.

    Raises:
        DataError: a file is missing, damaged or of an unknown format.
        MismatchError: the weights are not those of the described model.
    """
    from crossspace.models import MODELS

    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        build = MODELS[config["model"]]
        model = build(TaskSpec.from_dict(config["spec"]), **config["arguments"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, UsageError) as error:
        raise DataError(
            f"{config_path} should describe a saved crossspace model. Found: {error!r}. Give the folder of a run, "
            "or one of its seed-<n> folders."
        ) from error
    try:
        state = load_file(weights_path)
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"{weights_path} should hold the weights of a model as safetensors. Found: {error}. The file may be "
            "truncated; copy it again or train again."
        ) from error
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise MismatchError(f"{weights_path} does not fit the model described in {config_path}: {error}") from error
    model.details = config.get("details", {})
    return model.eval()
