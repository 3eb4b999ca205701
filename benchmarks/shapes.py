"""Write a corpus of random features in the shape of IEMOCAP or MELD, for timing: ``python -m benchmarks.shapes``."""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.corpus import LABELS, TRAIN, WIDTHS, conversation_lengths
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.rules import validation_ids
from crossspace.data.task import TaskSpec

MELD_LABELS = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
MELD_TRAIN, MELD_VALIDATION, MELD_TEST = 1038, 114, 280
_MELD_MEAN, _MELD_LONGEST = 9.6, 33


def meld_lengths(count: int, generator: np.random.Generator) -> list[int]:
    """Lengths from 1 to 33 with a mean of 9.6, as MELD's dialogues have."""
    drawn = np.clip(generator.gamma(2.6, _MELD_MEAN / 2.6, size=count).round(), 1, _MELD_LONGEST)
    return [int(n) for n in drawn]


def corpus(shape: str, part: int = 1, seed: int = 0) -> Corpus:
    """Normal features, random labels: it says nothing about emotions and all about seconds.

    Args:
        shape: ``iemocap`` or ``meld``.
        part: keep every ``part``-th conversation.
        seed: of the numbers.
    """
    generator = np.random.default_rng(seed)
    if shape == "iemocap":
        lengths = conversation_lengths()
        parts = {"train": lengths[:TRAIN], "test": lengths[TRAIN:]}
        spec, speakers = TaskSpec(LABELS, WIDTHS, ("M", "F")), ("M", "F")
    else:
        sizes = {"train": MELD_TRAIN, "validation": MELD_VALIDATION, "test": MELD_TEST}
        parts = {split: meld_lengths(size, generator) for split, size in sizes.items()}
        spec, speakers = TaskSpec(MELD_LABELS, {**WIDTHS, "audio": 300}, 9), ("a", "b", "c")
    drawn = {
        split: [_conversation(f"{split}-{i:04d}", n, spec, speakers, generator) for i, n in enumerate(lengths[::part])]
        for split, lengths in parts.items()
    }
    made = Corpus(
        drawn,
        spec,
        name=f"{shape}-shape" + (f", every {part}th" if part > 1 else ""),
        source="random numbers",
        licence="CC0-1.0",
    )
    if "validation" not in made.splits:
        made = made.with_splits(dict.fromkeys(validation_ids(made.conversation_ids("train")), "validation"))
    return made


def _conversation(
    name: str, length: int, spec: TaskSpec, speakers: tuple[str, ...], generator: np.random.Generator
) -> Conversation:
    said = [
        Utterance(
            id=f"{name}-{t:03d}",
            speaker=speakers[int(generator.integers(len(speakers)))],
            label=spec.labels[int(generator.integers(len(spec.labels)))],
            features={m: generator.standard_normal(d, dtype=np.float32) for m, d in spec.widths.items()},
        )
        for t in range(length)
    ]
    return Conversation(name, tuple(said))


def main() -> None:
    """Write one corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=("iemocap", "meld"))
    parser.add_argument("target", help="corpus file to write (.parquet)")
    parser.add_argument("--part", type=int, default=1, help="keep every PART-th conversation (default 1)")
    given = parser.parse_args()
    made = corpus(given.shape, given.part)
    made.write(given.target)
    print(made)


if __name__ == "__main__":
    main()
