"""A fine-tuned encoder as a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from crossspace.data.conversation import Conversation
from crossspace.digests import check_sums, file_digest, write_sums
from crossspace.errors import DataError
from crossspace.features.finetuned.settings import FineTuning
from crossspace.reading import reading
from crossspace.runtime import replacing, write_text

ENCODER = "finetuned.json"
ADAPTERS, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
"""As PEFT calls them and reads them."""
CLASSIFIER = "classifier.safetensors"
WEIGHTS = "model.safetensors"
_FORMAT = 1
_HEAD = "classifier."
_FEW_WORDS = 12
_AGAIN = "Pass a folder that `crossspace finetune` wrote, whole."


@dataclass(frozen=True)
class SavedEncoder:
    """What a folder says of the encoder in it.

    Attributes:
        base: how the network was named: ``minilm`` or ``transformers:MODEL``.
        digest: of the network before it was trained on.
        settings: how it was.
        labels: names of the emotions, in the order of the classifier.
        seen: marks of the conversations whose labels it was trained on, see :func:`mark_of`.
        name: how corpora call it.
        modality: what it reads.
        best: the epoch that was kept, and its weighted F1 in validation.
        corpus: name and fingerprint of what it was trained on.
    """

    name: str
    base: str
    digest: str
    settings: FineTuning
    labels: tuple[str, ...]
    seen: frozenset[str]
    best: Mapping[str, Any]
    corpus: Mapping[str, str]
    modality: str = "text"

    def has_seen(self, conversation: Conversation) -> bool:
        """Whether it was trained on the labels of a conversation."""
        return mark_of(conversation) in self.seen

    def write(self, folder: Path, trained: Mapping[str, Tensor]) -> None:
        """Write description and weights.

        Args:
            folder: where.
            trained: as :meth:`~crossspace.finetuning.network.TextEmotion.trained` gives it.
        """
        own = "encoder."
        head = {n.removeprefix(_HEAD): v for n, v in trained.items() if n.startswith(_HEAD)}
        rest = {n.removeprefix(own).replace(".default.", "."): v for n, v in trained.items() if n.startswith(own)}
        folder.mkdir(parents=True, exist_ok=True)
        _save(folder / CLASSIFIER, head)
        _save(folder / (ADAPTERS if self.settings.adapters else WEIGHTS), rest)
        if self.settings.adapters:
            write_text(folder / ADAPTER_CONFIG, json.dumps(self._adapter_config(rest), indent=2) + "\n")
        said = {"format": _FORMAT, **asdict(self), "seen": sorted(self.seen)}
        write_text(folder / ENCODER, json.dumps(said, indent=2, ensure_ascii=False) + "\n")
        write_sums(folder, [ENCODER, CLASSIFIER, ADAPTERS, ADAPTER_CONFIG, WEIGHTS])

    def _adapter_config(self, adapters: Mapping[str, Tensor]) -> dict[str, Any]:
        return {
            "peft_type": "LORA",
            "task_type": "FEATURE_EXTRACTION",
            "base_model_name_or_path": self.base,
            "r": self.settings.adapters,
            "lora_alpha": 2 * self.settings.adapters,
            "target_modules": sorted({name.split(".lora_")[0].rpartition(".")[2] for name in adapters}),
        }

    @classmethod
    def read(cls, folder: Path) -> SavedEncoder:
        """The description in a folder.

        Raises:
            DataError: there is none, or a file of the folder is not what was written.
        """
        if not (folder / ENCODER).is_file():
            raise DataError(f"{folder} should be a fine-tuned encoder, with {ENCODER}. Found none. {_AGAIN}")
        check_sums(folder)
        with reading(folder / ENCODER, "the description of a fine-tuned encoder", _AGAIN):
            said = json.loads((folder / ENCODER).read_text(encoding="utf-8"))
            if said.pop("format") != _FORMAT:
                raise DataError(f"{folder} was written by another release of crossspace. Update it.")
            said["settings"] = FineTuning(**said["settings"])
            said["labels"], said["seen"] = tuple(said["labels"]), frozenset(said["seen"])
            return cls(**said)


def classifier_of(folder: Path) -> dict[str, Tensor]:
    """``weight`` (C, D) and ``bias`` (C,) of the classifier."""
    with reading(folder / CLASSIFIER, "the classifier of a fine-tuned encoder", _AGAIN):
        return load_file(folder / CLASSIFIER)


def merge(network: nn.Module, folder: Path, settings: FineTuning, names: Mapping[str, str] | None = None) -> None:
    """Give a pretrained network what it was trained to be: adapters are added to its weights, weights take their place.

    Args:
        network: as it was before.
        folder: of the encoder.
        settings: as saved.
        names: ``{parameter as the library calls it: as this network does}``, where that differs.

    Raises:
        DataError: what was trained does not fit the network.
    """
    file = folder / (ADAPTERS if settings.adapters else WEIGHTS)
    with reading(file, "what an encoder was trained to be", _AGAIN), torch.no_grad():
        values = load_file(file)
        if not settings.adapters:
            for name, value in values.items():
                network.get_parameter((names or {}).get(name, name)).copy_(value)
            return
        for name, down in values.items():
            path, found, _ = name.partition(".lora_A.")
            if found:
                path = path.removeprefix("base_model.model.")
                up = values[name.replace(".lora_A.", ".lora_B.")]
                # alpha / r is 2 for every rank.
                weight = f"{path}.weight"
                network.get_parameter((names or {}).get(weight, weight)).add_(2 * up @ down)


def mark_of(conversation: Conversation) -> str:
    """16 hexadecimal digits that stand for a conversation, by what is said in it: its id may change on the way.

    Few words, such as a greeting and its answer, may be said anywhere; there the id counts too.
    """
    said = [" ".join((u.text or "").split()) for u in conversation.utterances]
    if sum(len(text.split()) for text in said) < _FEW_WORDS:
        said = [conversation.id, *said]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def weights_digest(folder: Path, saved: SavedEncoder) -> str:
    """``sha256:`` and 16 hexadecimal digits over all that decides the numbers of an encoder."""
    digest = hashlib.sha256(json.dumps([saved.digest, asdict(saved.settings), saved.labels], sort_keys=True).encode())
    for name in (CLASSIFIER, ADAPTERS, WEIGHTS):
        if (folder / name).is_file():
            digest.update(f"{name} {file_digest(folder / name)}".encode())
    return f"sha256:{digest.hexdigest()[:16]}"


def _save(path: Path, values: Mapping[str, Tensor]) -> None:
    with replacing(path) as temporary:
        save_file({name: value.detach().cpu().contiguous() for name, value in values.items()}, temporary)
