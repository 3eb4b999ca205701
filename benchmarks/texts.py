"""``python -m benchmarks.texts``: vectors of 1,500 texts, here and by plain ``transformers`` on the same weights.

The other way is what one would write: texts sorted by their length, batches of 32, padded to the longest.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

COUNT, BATCH, ROUNDS = 1500, 32, 3
_WORDS = [
    "i",
    "you",
    "we",
    "he",
    "she",
    "they",
    "it",
    "that",
    "this",
    "what",
    "who",
    "yeah",
    "no",
    "oh",
    "well",
    "okay",
    "really",
    "know",
    "think",
    "want",
    "go",
    "get",
    "said",
    "come",
    "see",
    "look",
    "thing",
    "time",
    "way",
    "day",
    "man",
    "guy",
    "friend",
    "house",
    "work",
    "love",
    "party",
    "sorry",
    "thanks",
    "please",
    "maybe",
    "never",
    "always",
    "just",
    "right",
    "good",
    "great",
    "bad",
    "nice",
    "crazy",
    "happy",
    "about",
    "with",
    "without",
    "for",
    "from",
    "into",
    "because",
    "when",
    "then",
    "there",
    "here",
    "not",
    "is",
    "are",
    "was",
    "have",
]


def made_up(count: int, seed: int = 0) -> list[str]:
    """Sentences as long as utterances of everyday talk: a median of 8 words, some of 60."""
    draw = random.Random(seed)
    lengths = [min(60, max(1, round(draw.lognormvariate(2.08, 0.75)))) for _ in range(count)]
    return [" ".join(draw.choices(_WORDS, k=n)) + draw.choice(".?!") for n in lengths]


def plain(layer: int) -> Callable[[Sequence[str]], list[np.ndarray]]:
    """The way one would write it."""
    from transformers import AutoModel, AutoTokenizer

    from crossspace.features.extractors.minilm import minilm_folder

    tokenizer = AutoTokenizer.from_pretrained(str(minilm_folder()))
    network = AutoModel.from_pretrained(str(minilm_folder())).eval()
    network.encoder.layer = network.encoder.layer[:layer]

    @torch.inference_mode()
    def vectors(texts: Sequence[str]) -> list[np.ndarray]:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        found: list[np.ndarray] = [np.empty(0)] * len(texts)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            inputs = tokenizer(
                [texts[p] for p in places], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            states, mask = network(**inputs).last_hidden_state, inputs["attention_mask"].unsqueeze(2).float()
            pooled = F.normalize((states * mask).sum(1) / mask.sum(1), dim=1).numpy()
            for place, vector in zip(places, pooled, strict=True):
                found[place] = vector
        return found

    return vectors


def ratio(texts: Sequence[str], layer: int, rounds: int = ROUNDS) -> float:
    """Seconds of ``transformers`` over seconds here, the median of pairs."""
    from crossspace.features.extractors.minilm import MiniLM

    extractor, theirs = MiniLM(layer), plain(layer)

    def ours(texts: Sequence[str]) -> list[np.ndarray]:
        size = extractor.batch
        return [v for at in range(0, len(texts), size) for v in extractor.extract(texts[at : at + size])]  # type: ignore[misc]

    apart = max(float(np.abs(a - b).max()) for a, b in zip(ours(texts), theirs(texts), strict=True))
    assert apart < 1e-5, f"vectors differ by {apart}"
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        theirs(texts)
        between = time.perf_counter()
        ours(texts)
        taken.append((between - began) / (time.perf_counter() - between))
    return statistics.median(taken)


def main() -> None:
    """Print the ratios for two layers, at one thread and at two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="a table of MELD, whose first 1,500 texts are taken")
    options = parser.parse_args()
    texts = made_up(COUNT)
    if options.texts:
        with options.texts.open(encoding="utf-8") as file:
            texts = [row["Utterance"] for row in csv.DictReader(file)][:COUNT]
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for layer in (3, 6):
            print(f"{threads} threads, layer {layer}: {ratio(texts, layer):.2f}", flush=True)


if __name__ == "__main__":
    main()
