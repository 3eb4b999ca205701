"""``python -m benchmarks.finetuning_speed``: utterances per second of fine-tuning, beside plain training.

The plain way tokenises each batch when it comes and pads it to its longest text, as the library's examples do; once on
the same batches, whose texts are about as long, and once on batches drawn at random, which is what the examples do.
Same network, adapters, loss and optimizer; the three ways take turns, each on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.nn import functional as F

from crossspace.data.corpus import Corpus
from crossspace.features.finetuned.settings import FineTuning
from crossspace.finetuning.fit import Fit
from crossspace.finetuning.material import Texts
from crossspace.finetuning.network import with_adapters


class Plain:
    """A training loop as one writes it.

    Args:
        material: of texts.
        texts: of all training utterances, in the order of ``labels``.
        labels: (N,).
        classes: C.
    """

    def __init__(self, material: Texts, texts: Sequence[str], labels: torch.Tensor, classes: int) -> None:
        checkpoint = material.checkpoint("minilm")
        self.tokenizer, self.texts, self.labels = checkpoint.processor, texts, labels
        self.network = with_adapters(checkpoint.model, material.settings).train()
        self.head = torch.nn.Linear(checkpoint.model.config.hidden_size, classes)
        parameters = [p for p in self.network.parameters() if p.requires_grad] + list(self.head.parameters())
        self.optimizer = torch.optim.AdamW(parameters, lr=5e-4)

    def step(self, rows: Sequence[int]) -> None:
        """One batch."""
        inputs = self.tokenizer([self.texts[i] for i in rows], padding=True, truncation=True, return_tensors="pt")
        mask = inputs["attention_mask"].unsqueeze(2)
        states = self.network(**inputs).last_hidden_state
        pooled = (states * mask).sum(1) / mask.sum(1)
        F.cross_entropy(self.head(pooled), self.labels[list(rows)]).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetuning_speed", description=__doc__)
    parser.add_argument("corpus", type=Path, help="corpus file with texts and labels")
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--batches", type=int, default=40)
    given = parser.parse_args()
    torch.set_num_threads(1)
    corpus, settings = Corpus.read(given.corpus), FineTuning(layers=given.layers)
    material, labels = Texts(settings), corpus.spec.labels
    checkpoint = material.checkpoint("minilm")
    train = material.labelled(corpus.split("train"), labels, checkpoint)
    texts = [item.text for _, item, _ in material.rows(corpus.split("train"))]
    with tempfile.TemporaryDirectory() as folder:
        fit = Fit(material.network(checkpoint, len(labels)), train, train, labels, settings, Path(folder), 0)
        plain = Plain(material, texts, torch.from_numpy(train.labels), len(labels))
        batches = list(fit._batches(0))[: given.batches]
        order = torch.randperm(len(texts), generator=torch.Generator().manual_seed(0)).tolist()
        random = [order[at : at + settings.batch_size] for at in range(0, len(order), settings.batch_size)]
        fit.network.train()
        ways: dict[str, tuple[Callable[[Sequence[int]], object], list[list[int]]]] = {
            "here": (fit._step, batches),
            "plain, the same batches": (plain.step, batches),
            "plain, batches at random": (plain.step, random[: given.batches]),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(given.batches):
            for name, (step, parts) in ways.items():
                began = time.perf_counter()
                step(parts[number])
                rates[name].append(len(parts[number]) / (time.perf_counter() - began))
    here = statistics.median(rates["here"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name}: {rate:.0f} utterances per second, {here / rate:.2f} times as many here")


if __name__ == "__main__":
    main()
