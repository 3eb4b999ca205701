"""An encoder with a classifier of emotions on it."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from crossspace.errors import UsageError
from crossspace.features.checkpoint import Checkpoint
from crossspace.features.finetuned.clips import Clip
from crossspace.features.finetuned.encoder import width_of
from crossspace.features.finetuned.settings import FineTuning
from crossspace.features.finetuned.spans import Seer
from crossspace.features.text.tokens import Tokens
from crossspace.finetuning.dropout import Dropout, quick_attention, with_quick_dropout
from crossspace.runtime import optional_import


class Emotion(nn.Module, ABC):
    """An encoder with a classifier of emotions on it; a subclass says how it reads.

    Args:
        network: the encoder, as its library builds it.
        settings: adapters, dropout.
        classes: C.

    Raises:
        MissingExtraError: adapters are wanted and ``peft`` is not installed.
        UsageError: the encoder has no place for adapters.
    """

    def __init__(self, network: Any, settings: FineTuning, classes: int) -> None:
        super().__init__()
        self.settings, width = settings, width_of(network)
        self.encoder = with_adapters(network, settings) if settings.adapters else network.requires_grad_(True)
        with_quick_dropout(self.encoder)
        self.dropout, self.classifier = Dropout(settings.dropout), nn.Linear(width, classes)

    def forward(self, items: Sequence[Any]) -> Tensor:
        """Items to logits (N, C)."""
        with quick_attention(self.device):
            return self.classifier(self.dropout(self.states(items)))

    @abstractmethod
    def states(self, items: Sequence[Any]) -> Tensor:
        """Items to one vector each (N, D)."""

    def train(self, mode: bool = True) -> Emotion:
        """Train or not; statistics of batches stay those of the pretrained network: utterances come one by one."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.classifier.weight.device

    def trained(self) -> dict[str, Tensor]:
        """What training changes, by name: adapters or weights, and the classifier."""
        # No state depends on the pooler of a BERT or a vision transformer.
        return {n: p.detach() for n, p in self.named_parameters() if p.requires_grad and "pooler" not in n}

    def load_trained(self, values: Mapping[str, Tensor]) -> None:
        """The inverse of :meth:`trained`."""
        own = dict(self.named_parameters())
        with torch.no_grad():
            for name, value in values.items():
                own[name].copy_(value)


class TextEmotion(Emotion):
    """Tokens to the logits of emotions.

    Args:
        checkpoint: the encoder, as :func:`~crossspace.features.checkpoint.load_checkpoint` gives it.
        settings: adapters, pooling, dropout.
        classes: C.
    """

    def __init__(self, checkpoint: Checkpoint, settings: FineTuning, classes: int) -> None:
        network = checkpoint.model
        super().__init__(network.get_encoder() if network.config.is_encoder_decoder else network, settings, classes)
        self._pad = checkpoint.processor.pad_token_id or 0

    def states(self, items: Sequence[Tokens]) -> Tensor:
        """Passages to one vector each (N, D)."""
        length = max(len(p.ids) for p in items)
        ids = torch.full((len(items), length), self._pad)
        mask, own = torch.zeros(len(items), length, dtype=torch.long), torch.zeros(len(items), length)
        for row, passage in enumerate(items):
            ids[row, : len(passage.ids)] = torch.tensor(passage.ids)
            mask[row, : len(passage.ids)] = 1
            own[row, passage.begin : passage.end] = 1
        states = self.encoder(input_ids=ids.to(self.device), attention_mask=mask.to(self.device)).last_hidden_state
        if self.settings.pooling == "cls":
            return states[:, 0]
        # Products of elements, which no autocast takes to half precision.
        weights = (own / own.sum(1, keepdim=True).clamp(min=1)).to(self.device)
        return (states.to(self.classifier.weight.dtype) * weights.unsqueeze(2)).sum(1)


class SpanEmotion(Emotion):
    """Sound or faces to the logits of emotions; utterances are read one by one, as they are later.

    Args:
        checkpoint: the encoder, as :func:`~crossspace.features.finetuned.spans.span_checkpoint` gives it.
        settings: adapters, pooling, dropout.
        classes: C.
        modality: ``audio`` or ``visual``.
    """

    def __init__(self, checkpoint: Checkpoint, settings: FineTuning, classes: int, modality: str) -> None:
        super().__init__(checkpoint.model, settings, classes)
        if not settings.adapters and hasattr(checkpoint.model, "feature_extractor"):
            # What turns samples into frames stays as it is, as is usual: it knows sound, and learns emotions badly.
            checkpoint.model.feature_extractor.requires_grad_(False)
        self._seer = Seer(self.encoder, checkpoint.processor, modality, settings.pooling)

    def states(self, items: Sequence[Clip]) -> Tensor:
        """Utterances to one vector each (N, D)."""
        return torch.stack([self._seer(item.load()) for item in items]).to(self.classifier.weight.dtype)


def check_adapters(checkpoint: Checkpoint, settings: FineTuning) -> None:
    """Whether a network can be trained in this way, before any work begins.

    Raises:
        MissingExtraError: adapters are wanted and ``peft`` is not installed.
        UsageError: the network has no place for adapters.
    """
    width_of(checkpoint.model)
    if settings.adapters:
        optional_import("peft", "finetune")
        if settings.adapted == "attention":
            _projections(checkpoint.model)


def with_adapters(network: nn.Module, settings: FineTuning) -> Any:
    """The network, frozen, with low-rank adapters beside the projections of its attention.

    Raises:
        MissingExtraError: ``peft`` is not installed.
        UsageError: the network has no such projections.
    """
    peft = optional_import("peft", "finetune")
    configuration = peft.LoraConfig(
        r=settings.adapters,
        lora_alpha=2 * settings.adapters,
        lora_dropout=settings.dropout,
        target_modules=_all_linear(network) if settings.adapted == "all" else _projections(network),
        task_type="FEATURE_EXTRACTION",
    )
    with warnings.catch_warnings():
        # One library asks another for something by its old name, which is not for users to mend.
        warnings.simplefilter("ignore", FutureWarning)
        return peft.get_peft_model(network, configuration)


def _all_linear(network: nn.Module) -> list[str]:
    """The linear maps of a network; no state depends on the pooler of a BERT or a vision transformer."""
    return [name for name, module in network.named_modules() if isinstance(module, nn.Linear) and "pooler" not in name]


def _projections(network: nn.Module) -> list[str]:
    """What a network calls the maps beside which adapters stand."""
    names = [n for n in _PROJECTIONS if any(name.endswith(f".{n}") for name, _ in network.named_modules())]
    if not names:
        raise UsageError(
            f"Adapters stand beside linear maps of attention, called {', '.join(_PROJECTIONS)}. The network, a "
            f"{type(network).__name__}, has none of these names; adapt all linear maps (--adapted all), or train the "
            "weights (--adapters 0)."
        )
    return names


_PROJECTIONS = ("query", "value", "q_proj", "v_proj", "q_lin", "v_lin", "q", "v", "query_proj", "value_proj", "Wqkv")
"""What libraries call the maps to queries and values: BERT, later ones, DistilBERT, T5, DeBERTa, ModernBERT."""
