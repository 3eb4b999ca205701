"""``python -m benchmarks.streaming``: the cost of a push, early and late, and how near a stream is to ``predict``."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.corpus import WIDTHS, task
from crossspace import Conversation, Predictor, Utterance
from crossspace.models import MODELS

LENGTHS = (20, 200, 2000)
TIMES, PIECE = 15, 50
ALLOWED = 3.0
"""The time at the longest length over that at the shortest: at most."""

SMALL = {
    "width": 256,
    "heads": 8,
    "fusion": {"rank": 16},
    "global_width": 256,
    "party_width": 256,
    "emotion_width": 128,
}
CASES: dict[str, tuple[str, dict[str, int], dict[str, Any]]] = {
    "css, text": ("css", {"text": 384}, SMALL),
    "css, three modalities": ("css", WIDTHS, SMALL),
    "css, three modalities, width 1024": ("css", WIDTHS, {}),
    "sdt, three modalities": ("sdt", WIDTHS, SMALL),
    "bc-lstm, three modalities": ("bc-lstm", WIDTHS, SMALL),
    "dialoguernn, three modalities": ("dialoguernn", WIDTHS, SMALL),
}


@dataclass(frozen=True)
class Cost:
    """One model, with contributions or without.

    Attributes:
        milliseconds: ``{length: median time of a push when that many utterances have been}``.
        kibibytes: kept per utterance at the end, room to grow included.
        difference: largest one between a probability or contribution of the stream and of ``predict``, in float32.
    """

    case: str
    contributions: bool
    milliseconds: dict[int, float]
    kibibytes: float
    difference: float

    @property
    def growth(self) -> float:
        """Time at the longest length over that at the shortest."""
        return self.milliseconds[max(self.milliseconds)] / self.milliseconds[min(self.milliseconds)]


def measure(case: str, lengths: Sequence[int] = LENGTHS, contributions: bool = True) -> Cost:
    """Bring a stream to each length and time the next utterances."""
    name, widths, arguments = CASES[case]
    torch.manual_seed(0)
    kind, spec = MODELS[name], task(widths)
    known = kind.__init__.__annotations__
    predictor = Predictor(kind(spec, causal=True, **{k: v for k, v in arguments.items() if k in known}))
    said = _utterances(widths, max(lengths) + TIMES)
    stream = predictor.stream(contributions=contributions)
    found, milliseconds = [], {}
    for length in lengths:
        while len(stream) < length:
            found += stream.extend(said[len(stream) : min(len(stream) + PIECE, length)])
        times = []
        for utterance in said[length : length + TIMES]:
            began = time.perf_counter()
            found.append(stream.push(utterance))
            times.append(1000 * (time.perf_counter() - began))
        milliseconds[length] = statistics.median(times)
    expected = predictor.predict(Conversation("whole", tuple(said)))
    difference = max(_difference(one, other) for one, other in zip(found, expected, strict=True))
    return Cost(case, contributions, milliseconds, _bytes(stream.mark().memory.kept) / 1024 / len(stream), difference)


def _utterances(widths: dict[str, int], count: int) -> list[Utterance]:
    random = np.random.default_rng(0)
    return [
        Utterance(
            str(i),
            "AB"[i % 2],
            features={m: random.standard_normal(d, dtype=np.float32) for m, d in widths.items()},
        )
        for i in range(count)
    ]


def _difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Over probabilities, what each modality alone says, and the contributions that both name."""
    pairs = [(one["probabilities"], other["probabilities"])]
    pairs += [(alone, other["unimodal"][m]) for m, alone in one["unimodal"].items()]
    if one["label"] == other["label"]:
        pairs.append((one["contributions"], other["contributions"]))
    return max(abs(left[k] - right[k]) for left, right in pairs for k in left)


def _bytes(kept: Any) -> int:
    if hasattr(kept, "nbytes"):
        return int(kept.nbytes)
    parts = kept.values() if isinstance(kept, dict) else kept if isinstance(kept, tuple) else vars(kept).values()
    return sum(map(_bytes, parts))


def show(costs: Sequence[Cost], console: Console) -> None:
    """Print the table."""
    lengths = list(costs[0].milliseconds)
    table = Table("model", "contributions", title="Milliseconds per utterance of a stream, by utterances before it")
    for heading in (*map(str, lengths), "growth", "at most", "KiB kept", "difference"):
        table.add_column(heading, justify="right")
    for cost in costs:
        times = [f"{cost.milliseconds[n]:.2f}" for n in lengths]
        rest = [f"{cost.growth:.2f}", f"{ALLOWED:.0f}", f"{cost.kibibytes:.0f}", f"{cost.difference:.1e}"]
        table.add_row(cost.case, "yes" if cost.contributions else "no", *times, *rest)
    console.print(table)
    console.print(f"{torch.get_num_threads()} threads, float32, PyTorch {torch.__version__}.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small model and short lengths")
    parser.add_argument("--out", type=Path, default=Path("streaming.json"), help="where to write the numbers")
    options = parser.parse_args(arguments)
    cases, lengths = (["css, text"], (5, 40)) if options.quick else (list(CASES), LENGTHS)
    costs = [measure(case, lengths, contributions) for case in cases for contributions in (False, True)]
    numbers = [{**asdict(cost), "growth": cost.growth} for cost in costs]
    options.out.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    show(costs, Console(width=120))


if __name__ == "__main__":
    main()
