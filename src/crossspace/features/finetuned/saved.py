"""A fine-tuned encoder as a folder."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
_WORD, _SEVERAL, _MANY = re.compile(r"\w+"), 5, 12
_AGAIN = "Pass a folder that `crossspace finetune` wrote, whole."


@dataclass(frozen=True)
class SavedEncoder:
    """What a folder says of the encoder in it.

    Attributes:
        base: what the network is called: ``minilm``, ``transformers:OWNER/NAME`` on a hub, or ``transformers:NAME``
            where it is a folder.
        where: the way to that folder from the folder of the encoder; none for the others.
        digest: of the network before it was trained on.
        settings: how it was.
        labels: names of the emotions, in the order of the classifier.
        seen: marks of the conversations whose labels it was trained on, see :func:`marks_of`.
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
    where: str | None = None

    def network(self, folder: Path, base: str | None = None) -> str:
        """Where the network is: ``minilm``, or a folder or a name on a hub.

        Args:
            folder: of the encoder.
            base: as somebody gives it anew, ``transformers:MODEL``.

        Raises:
            DataError: it was a folder, which is not there any more; no hub is asked for it.
        """
        if base is not None or self.where is None:
            return base or self.base
        if not (folder / self.where).is_dir():
            raise DataError(
                f"{folder} was trained from the network in the folder {self.base.removeprefix('transformers:')!r}, "
                f"which is not in its place any more. Say where it is: finetuned:{folder},base=transformers:FOLDER."
            )
        return f"transformers:{folder / self.where}"

    def has_seen(self, conversation: Conversation) -> bool:
        """Whether it was trained on the labels of a conversation, or of one that it is a piece of."""
        return is_among(conversation, self.seen)

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
            "base_model_name_or_path": self.base.removeprefix("transformers:"),
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
            said["labels"], said["seen"] = tuple(map(str, said["labels"])), frozenset(map(str, said["seen"]))
            said["best"] = {"epoch": int(said["best"]["epoch"]), "score": float(said["best"]["score"])}
            texts = (said["name"], said["base"], said["digest"], said["modality"], said["where"] or "")
            if not all(isinstance(text, str) for text in texts):
                raise ValueError(f"name, base, digest and modality should be texts. Found {texts}")
            return cls(**said)


def classifier_of(folder: Path, classes: int) -> dict[str, Tensor]:
    """``weight`` (C, D) and ``bias`` (C,) of the classifier.

    Raises:
        DataError: it is another one.
    """
    with reading(folder / CLASSIFIER, "the classifier of a fine-tuned encoder", _AGAIN):
        values = load_file(folder / CLASSIFIER)
        shapes = {name: tuple(value.shape) for name, value in values.items()}
        if shapes != {"weight": (classes, shapes["weight"][1]), "bias": (classes,)}:
            raise ValueError(f"a classifier of {classes} emotions is expected, found {shapes}")
        return values


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
        # They may be kept in half of the width.
        values = {name: value.float() for name, value in load_file(file).items()}
        called = names or {}
        if not settings.adapters:
            for name, value in values.items():
                _change(network, called.get(name, name), value, replace=True)
            return
        downs = {name: value for name, value in values.items() if ".lora_A." in name}
        if 2 * len(downs) != len(values) or not downs:
            raise ValueError("adapters come in pairs, lora_A and lora_B")
        for name, down in downs.items():
            path = name.partition(".lora_A.")[0].removeprefix("base_model.model.")
            # alpha / r is 2 for every rank.
            change = 2 * values[name.replace(".lora_A.", ".lora_B.")] @ down
            _change(network, called.get(f"{path}.weight", f"{path}.weight"), change)


def _change(network: nn.Module, name: str, value: Tensor, replace: bool = False) -> None:
    """Add to a parameter, or replace it; sizes are compared, since arithmetic would stretch one to the other."""
    parameter = network.get_parameter(name)
    if parameter.shape != value.shape:
        raise ValueError(f"{name} has the size {tuple(parameter.shape)}, and {tuple(value.shape)} was trained")
    parameter.copy_(value) if replace else parameter.add_(value)


def marks_of(conversations: Iterable[Conversation]) -> frozenset[str]:
    """What conversations are known by: each by all its words, and by those utterances that no other of them says."""
    wholes, said = set[str](), Counter[str]()
    for conversation in conversations:
        wholes.add(_whole(conversation))
        said.update(_utterances(conversation))
    return frozenset(wholes) | {mark for mark, count in said.items() if count == 1}


def is_among(conversation: Conversation, marks: Collection[str]) -> bool:
    """Whether a conversation is one of those that the marks were made of, or a piece of one.

    What it is called does not count, nor case and punctuation, which recognisers write in their own ways. A piece is
    known by two utterances or more that stand there and make half of it.
    """
    own = _utterances(conversation)
    known = sum(mark in marks for mark in own)
    return _whole(conversation) in marks or (known >= 2 and 2 * known >= len(own))


def _whole(conversation: Conversation) -> str:
    words = [word for u in conversation.utterances for word in _words(u.text)]
    # A greeting and its answer may be said anywhere; there, and without texts, the name counts too.
    return _mark(words if len(words) >= _MANY else [conversation.id, *words])


def _utterances(conversation: Conversation) -> frozenset[str]:
    """A mark of each utterance of several words; of a short one together with what was said before it."""
    said = [_words(u.text) for u in conversation.utterances]
    pairs = [own if len(own) >= _SEVERAL else before + own for before, own in zip([[], *said[:-1]], said, strict=True)]
    return frozenset(_mark(words) for own, words in zip(said, pairs, strict=True) if own and len(words) >= _SEVERAL)


def _words(text: str | None) -> list[str]:
    return _WORD.findall((text or "").lower())


def _mark(words: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(words)).encode()).hexdigest()[:10]


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
