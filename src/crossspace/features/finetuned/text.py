"""Passages through a fine-tuned encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from crossspace.errors import UnsuitableError
from crossspace.features.checkpoint import Checkpoint, load_checkpoint
from crossspace.features.finetuned.encoder import Encoder, Vectors
from crossspace.features.text.bert import load_bert, published_names
from crossspace.features.text.graph import Classified, ExportableText, TextGraph, tokenizer_json
from crossspace.features.text.network import limit_of
from crossspace.features.text.passages import Passage, Reader
from crossspace.features.text.pooling import pool
from crossspace.features.text.text_input import TextInput
from crossspace.features.text.tokens import text_arrays

MINILM = "minilm"


class TextEncoder(Encoder):
    """A fine-tuned encoder of texts that is only read.

    What it says of a passage depends on that alone, to the last bit: every forward pass has as many rows of one rounded
    length, as in :class:`~crossspace.features.text.network.TextNetwork`.

    Args:
        folder: of the encoder.

    Raises:
        DataError: there is none, or the network that it was trained from is another here.
    """

    modality = "text"

    def _prepare(self, checkpoint: Checkpoint) -> None:
        settings, network = self.saved.settings, checkpoint.model
        self.network = network.get_encoder() if network.config.is_encoder_decoder else network
        self.reader = reader_of(checkpoint, settings.tokens, bool(settings.context_turns + settings.later_turns))
        self.limit: int = self.reader.limit
        self.pad, self.tokenizer = checkpoint.processor.pad_token_id or 0, checkpoint.processor

    def _checkpoint(self, base: str) -> tuple[Checkpoint, dict[str, str]]:
        checkpoint = read_only(base, self.saved.settings.layers)
        return checkpoint, published_names(checkpoint.model) if base == MINILM else {}

    @torch.inference_mode()
    def encode(self, items: Sequence[Passage]) -> list[Vectors | None]:
        """The vectors of each passage; ``None`` where the tokenizer knows nothing of the utterance."""
        found: list[Vectors | None] = [None] * len(items)
        for one in text_arrays(self.reader.read(items), self.limit, self.pad, self.saved.settings.pooling):
            ids, mask, weights = (torch.from_numpy(array) for array in one[1:])
            states = pool(self.network(input_ids=ids, attention_mask=mask).last_hidden_state, weights)
            for row, state in zip(one.rows, states.numpy(), strict=False):
                found[row] = self._with_logits(state)
        return found

    def is_overlong(self, text: str) -> bool:
        """Whether an utterance goes on beyond what is read of it."""
        return self.reader.read([Passage(text, "")])[0].is_cut


def exportable(encoders: Sequence[TextEncoder], output: str) -> ExportableText:
    """The mean of encoders as one graph.

    Args:
        encoders: of one fine-tuning.
        output: ``states``, ``logits`` or ``both``.

    Raises:
        UnsuitableError: it cannot be exported.
    """
    first = encoders[0]
    if any((e.saved.base, e.saved.settings) != (first.saved.base, first.saved.settings) for e in encoders):
        raise UnsuitableError("its encoders were not all trained in one way from one network")
    settings = first.saved.settings
    reading = TextInput(
        first=next(iter(first.reader.first), None),
        last=next(iter(first.reader.last), None),
        pad=first.pad,
        limit=first.limit,
        pooling=settings.pooling,
        whole=False,
        earlier=settings.context_turns,
        later=settings.later_turns,
    )
    heads = [Classified(*one.classifier, output) for one in encoders]
    return ExportableText(TextGraph([e.network for e in encoders], heads), tokenizer_json(first.tokenizer), reading)


def base_checkpoint(base: str, layers: int | None) -> Checkpoint:
    """The network that an encoder is trained from, and its tokenizer.

    Args:
        base: ``minilm``, or ``transformers:MODEL``.
        layers: of it that are computed.

    Raises:
        DataError: there is no such network.
        UsageError: it has fewer layers.
        MissingExtraError: its library is not installed.
    """
    if base == MINILM:
        from crossspace.features.extractors.minilm import minilm_folder

        return load_checkpoint(str(minilm_folder()), "text", layers)
    return load_checkpoint(base.removeprefix("transformers:"), "text", layers)


def read_only(base: str, layers: int | None) -> Checkpoint:
    """The same where nothing is trained: of ``minilm`` without the library, whose import takes longer than reading."""
    if base != MINILM:
        return base_checkpoint(base, layers)
    from crossspace.features.extractors.minilm import LAYERS, minilm_folder

    return load_bert(minilm_folder(), LAYERS if layers is None else layers)


def reader_of(checkpoint: Checkpoint, tokens: int, turns: bool) -> Reader:
    """What turns passages into the tokens of a network.

    Args:
        checkpoint: the network and its tokenizer.
        tokens: of a passage at most; fewer where the network has no place for them.
        turns: whether passages have other turns than the utterance.
    """
    return Reader(checkpoint.processor, min(tokens, limit_of(checkpoint.model, checkpoint.processor)), turns)


def licence_note(base: str) -> str | None:
    """A sentence where the folder of a network does not say under which terms it may be used."""
    folder = Path(base.removeprefix("transformers:"))
    if base == MINILM or not folder.is_dir():
        return None
    stated = [p for pattern in ("LICEN[CS]E*", "COPYING*", "NOTICE*") for p in folder.glob(pattern)]
    card = folder / "README.md"
    if stated or (card.is_file() and "licen" in card.read_text(encoding="utf-8", errors="replace").lower()):
        return None
    return (
        f"{folder} does not say under which terms the network may be used (no LICENSE, and no word of it in a "
        "README.md). What is trained from it, and the features that it makes, are under the same terms: find them out "
        "before you pass any of it on."
    )
