"""A plausible finished run, made of nothing but random numbers and a few lines of dialogue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crossspace.evaluation.aggregate import aggregate

EMOTIONS = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
DIALOGUE = (
    "I thought you said the car would be ready by Thursday.",
    "It was supposed to be. The part never came.",
    "So nobody called me?",
    "I'm calling you now, am I not?",
    "That is not the same thing and you know it.",
    "Look, I am sorry. I really am.",
    "My mother is in the hospital and I have no way of getting there.",
    "Oh. I didn't know that.",
    "How could you, you never asked.",
    "Let me drive you. I finish at five, we can be there by six.",
    "You would do that?",
    "Of course. Get your coat.",
    "She woke up this morning and asked for coffee, can you believe it?",
    "That's wonderful! That is the best thing I have heard all week!",
    "Yeah.",
    "Okay, so, turn left here, and then it is the second building after the bridge, the one with the green door.",
)
MODALITIES = {"text": 1024, "audio": 1582, "visual": 342}
OBJECTIVES = ("fused", "unimodal", "distillation")


@pytest.fixture(scope="session")
def predictions_table() -> Callable[..., pa.Table]:
    """A function that makes a prediction table of several seeds, about 70 % right, overconfident."""
    return _predictions


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """A function that writes a run folder in the format that training writes."""
    return make_run


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five seeds with everything in it; read only."""
    return make_run(tmp_path_factory.mktemp("run"))


def make_run(
    folder: Path,
    *,
    seeds: int = 5,
    labels: tuple[str, ...] = EMOTIONS,
    protocol: str = "validation",
    balanced: bool = True,
    objectives: tuple[str, ...] = OBJECTIVES,
    conversations: int = 30,
    epochs: int = 24,
    texts: tuple[str, ...] = DIALOGUE,
    speakers: tuple[str, ...] = ("F", "M"),
    timed: bool = True,
    recipe: str | None = "css-iemocap-paper",
    corpus: str = "IEMOCAP",
) -> Path:
    """Write a run folder; ``balanced=False`` is a run without gamma, norms and cosines."""
    folder.mkdir(parents=True, exist_ok=True)
    table = _predictions(
        seeds=seeds, labels=labels, conversations=conversations, texts=texts, speakers=speakers, timed=timed
    )
    environment = _environment(seeds, labels, protocol, recipe, corpus)
    history = _history(seeds, objectives, epochs, balanced, protocol)
    pq.write_table(table, folder / "predictions.parquet")
    results = aggregate(table, labels, protocol=protocol, resamples=300)
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    (folder / "config.yaml").write_text(
        "seed: 0\nmodel:\n  class_path: crossspace.models.CSS\n  init_args:\n    width: 1024\n    order: 3\n"
        "    rank: 16\n"
        "balancer:\n  class_path: crossspace.balance.ParetoGradientModulator\ntrainer:\n  epochs: 60\n  batch: 32\n"
    )
    return folder


def _predictions(
    *,
    seeds: int = 5,
    labels: tuple[str, ...] = EMOTIONS,
    conversations: int = 30,
    texts: tuple[str, ...] = DIALOGUE,
    speakers: tuple[str, ...] = ("F", "M"),
    timed: bool = True,
) -> pa.Table:
    rng = np.random.default_rng(7)
    lengths = rng.integers(8, 60, conversations)
    mood = np.repeat(rng.dirichlet(np.ones(len(labels)), conversations), lengths, axis=0)
    truth = np.array([rng.choice(len(labels), p=row) for row in mood])
    ease = np.repeat(rng.normal(1.2, 0.6, conversations), lengths)
    conversation = np.repeat(np.arange(conversations), lengths)
    position = np.concatenate([np.arange(n) for n in lengths])
    rows: dict[str, list[Any]] = {}
    for seed in range(seeds):
        logits = 1.1 * rng.normal(size=(len(truth), len(labels))) + 1.3 * mood
        logits[np.arange(len(truth)), truth] += 1.1 * ease
        p = np.exp(1.6 * logits) / np.exp(1.6 * logits).sum(1, keepdims=True)
        start = 3.1 * position + 0.25 if timed else [None] * len(truth)
        columns: dict[str, Any] = {
            "seed": np.full(len(truth), seed),
            "split": ["test"] * len(truth),
            "conversation_id": [f"Ses05F_impro{c:02d}" for c in conversation],
            "utterance_id": [f"Ses05F_impro{c:02d}_{t:03d}" for c, t in zip(conversation, position, strict=True)],
            "position": position,
            "speaker": [speakers[t % len(speakers)] for t in position],
            "label": [labels[i] for i in p.argmax(1)],
            "confidence": p.max(1),
            **{f"p_{label}": p[:, i] for i, label in enumerate(labels)},
            "truth": [labels[i] for i in truth],
            "text": [texts[t % len(texts)] for t in position],
            "start": start,
            "end": 3.1 * position + 2.75 if timed else [None] * len(truth),
        }
        for name, values in columns.items():
            rows.setdefault(name, []).extend(np.asarray(values).tolist() if name != "truth" else values)
    rows["truth"] = [None if i % len(truth) % 37 == 36 else t for i, t in enumerate(rows["truth"])]
    return pa.table(
        {**rows, "start": pa.array(rows["start"], pa.float64()), "end": pa.array(rows["end"], pa.float64())}
    )


def _history(
    seeds: int, objectives: tuple[str, ...], epochs: int, balanced: bool, protocol: str
) -> list[dict[str, Any]]:
    split = "test" if protocol == "best-on-test" else "validation"
    rng, lines, per_epoch = np.random.default_rng(3), [], 4
    pairs = [f"{a}/{b}" for i, a in enumerate(objectives) for b in objectives[i + 1 :]]
    for seed in range(seeds):
        best = 0.0
        for epoch in range(epochs - seed):
            for i in range(per_epoch):
                step = epoch * per_epoch + i
                decay = np.exp(-step / 35)
                parts = {
                    f"{o}.{m}": (0.4 + 0.2 * k + (1.5 if o == "unimodal" else 0.7) * decay) * rng.lognormal(0, 0.05)
                    for o in objectives[1:]
                    for k, m in enumerate(MODALITIES)
                }
                losses = {o: sum(v for n, v in parts.items() if n.startswith(o)) for o in objectives[1:]}
                line: dict[str, Any] = {"kind": "step", "seed": seed, "epoch": epoch, "step": step}
                line["losses"] = {objectives[0]: (0.35 + 1.4 * decay) * rng.lognormal(0, 0.06), **losses}
                line |= {"parts": parts, "learning_rate": 1e-4}
                if balanced:
                    gamma = rng.dirichlet(40 * np.array([0.5 - 0.2 * decay, 0.2, 0.3 + 0.2 * decay])[: len(objectives)])
                    line["weights"] = dict(zip(objectives, gamma.tolist(), strict=True))
                    line["norms"] = dict.fromkeys(objectives, 1.0)
                    line["cosines"] = {p: float(np.tanh(rng.normal(0.5 - 0.3 * k, 0.2))) for k, p in enumerate(pairs)}
                lines.append(line)
            score = 0.7 - 0.45 * np.exp(-epoch / 5) - 0.0015 * max(epoch - 14, 0) + rng.normal(0, 0.008)
            scores = {"weighted_f1": score, "accuracy": score + 0.004, "loss": 1.0}
            mark = {"best": bool(score > best), "train_loss": 1.0, "seconds": 2.3}
            best = max(best, score)
            lines.append({"kind": "epoch", "seed": seed, "epoch": epoch, "split": split, "scores": scores, **mark})
    return lines


def _environment(seeds: int, labels: tuple[str, ...], protocol: str, recipe: str | None, corpus: str) -> dict[str, Any]:
    return {
        "versions": {"python": "3.11.7", "crossspace": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
        "device": "cpu (2 threads)",
        "precision": "32-true",
        "seeds": list(range(seeds)),
        "corpus": {
            "name": corpus,
            "fingerprint": "9f2c1e7ab04d5566",
            "source": "https://sail.usc.edu/iemocap/",
            "licence": "research only",
            "labels": list(labels),
            "modalities": MODALITIES,
        },
        "protocol": protocol,
        "model": {
            "name": "CSS",
            "parameters": 44_144_723,
            "citation": "Lyu et al., Cross-Space Synergy, AAAI 2026, doi 10.1609/aaai.v40i29.39602",
        },
        "recipe": recipe,
        "created": "2026-02-03T10:15:00+00:00",
        "seconds": 1834.2,
    }
