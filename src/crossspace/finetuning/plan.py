"""What is to be fine-tuned, checked before anything is computed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crossspace.data.corpus import Corpus
from crossspace.errors import UsageError
from crossspace.features.finetuned.settings import ALL, OUTPUTS, FineTuning, Others, Output
from crossspace.finetuning.material import Material, material_of
from crossspace.finetuning.parts import Part, check_folds, parts_of


@dataclass(frozen=True)
class Plan:
    """A fine-tuning of one encoder on one corpus.

    Attributes:
        corpus: file of the corpus.
        base: the encoder, ``minilm`` (texts only) or ``transformers:MODEL``.
        settings: how it is trained.
        seeds: one set of encoders, and one corpus of features, for each.
        folds: into which the training conversations are cut; with 0 every encoder has seen what it encodes.
        others: what encodes validation and test: the encoder of ``all`` training conversations, or the mean of those of
            the ``folds``.
        modality: what it reads, ``text``, ``audio`` or ``visual``.
        clips: folder of what is heard or seen, where it does not lie beside the corpus.
        output: what becomes the features: the ``states`` that the classifier sees, its ``logits``, or ``both``.
    """

    corpus: Path
    base: str = "minilm"
    settings: FineTuning = field(default_factory=FineTuning)
    seeds: Sequence[int] = (0,)
    folds: int = 5
    others: Others = ALL
    output: Output = "states"
    modality: str = "text"
    clips: Path | None = None

    def __post_init__(self) -> None:
        check_folds(self.folds, self.others)
        if self.output not in OUTPUTS:
            raise UsageError(f"`output` should be {', '.join(OUTPUTS)}. Found {self.output!r}.")
        if self.modality not in ("text", "audio", "visual"):
            raise UsageError(f"`modality` should be text, audio or visual. Found {self.modality!r}.")
        if self.base == "minilm" and self.modality != "text":
            raise UsageError(f"minilm reads texts. Name a network for {self.modality}: --base transformers:MODEL.")
        if self.base != "minilm" and not re.fullmatch(r"transformers:.+", self.base):
            raise UsageError(
                f"`base` should be minilm, or transformers:MODEL with a folder or a name on a hub. Found {self.base!r}."
            )

    def material(self, corpus: Corpus) -> Material:
        """What its encoders read of the corpus."""
        return material_of(self.modality, corpus, self.corpus, self.settings, self.clips)

    def parts(self, corpus: Corpus) -> list[Part]:
        """Its encoders."""
        rows = [(name, label) for name, _, label in self.material(corpus).rows(corpus.split("train"))]
        return parts_of(corpus, rows, self.folds, self.seeds, self.others)

    def name(self, seed: int, corpus: Corpus) -> str:
        """How corpora call what a seed made."""
        base = Path(self.base.removeprefix("transformers:")).name
        return f"{base}, {corpus.name}, seed {seed}"

    def stated_base(self, folder: Path) -> tuple[str, str | None]:
        """What an encoder in ``folder`` says of its network: what it is called, and the way there from the encoder."""
        network = Path(self.base.removeprefix("transformers:"))
        if self.base == "minilm" or not network.is_dir():
            return self.base, None
        return f"transformers:{network.resolve().name}", os.path.relpath(network.resolve(), folder.resolve())

    def stated(self, corpus: Corpus) -> dict[str, Any]:
        """As the folder states it: the same again goes on, and anything else is refused."""
        return {
            "corpus": {"name": corpus.name, "fingerprint": corpus.fingerprint},
            "base": self.stated_base(Path())[0],
            "modality": self.modality,
            "folds": self.folds,
            "others": self.others,
            "output": self.output,
            "seeds": list(self.seeds),
            "settings": asdict(self.settings),
        }
