"""A corpus on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.cli.cutting import tell_difference
from crossspace.cli.terminal_tables import print_table
from crossspace.data.cuts.recut import cut_in_words
from crossspace.features.extractors.base import named

_MOST_SPEAKERS = 8


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print what :func:`crossspace.data.summary.summary` found."""
    splits = summary["splits"]
    print(
        f"{summary['name']}: {summary['source'] or 'source not stated'}; licence: {summary['licence'] or 'not stated'}"
    )
    print(f"fingerprint {summary['fingerprint']}; speakers {summary['speakers']}\n")
    sizes = [
        (
            name,
            s["conversations"],
            s["utterances"],
            " / ".join(f"{s['lengths'][key]:.4g}" for key in ("min", "median", "mean", "max")),
        )
        for name, s in splits.items()
    ]
    print_table("sizes", ("split", "conversations", "utterances", "length min / median / mean / max"), sizes)
    labels = [
        (label, *(_share(s["labels"][label], s["utterances"]) for s in splits.values())) for label in summary["labels"]
    ]
    # They are not scored, but a model sees them as context; a reader wonders where the rest of the shares is.
    labels.append(("(unlabelled)", *(_share(s["unlabelled"], s["utterances"]) for s in splits.values())))
    print_table("labels", ("label", *splits), labels)
    _print_modalities(summary)
    if summary["cut"]:
        print(f"splits were cut by crossspace: {cut_in_words(summary['cut'])}")
    tell_difference(summary["validation"])
    _print_speakers(splits)


def _print_modalities(summary: Mapping[str, Any]) -> None:
    splits = summary["splits"]
    modalities = [
        (
            m,
            about["width"],
            named(about["extractor"], version=False) if about["extractor"] else "not stated",
            *(_share(s["coverage"][m], s["utterances"]) for s in splits.values()),
        )
        for m, about in summary["modalities"].items()
    ]
    print_table("modalities (utterances that have it)", ("modality", "width", "extractor", *splits), modalities)
    for modality, encoders in summary.get("encoders", {}).items():
        counts = ", ".join(f"{name} ({count})" for name, count in encoders.items())
        print(f"fine-tuned encoders of {modality}: {counts}")
    parts = [(split, s) for split, s in splits.items() if split != "all"]
    seen = [f"{n:,} of {split} ({m})" for split, s in parts for m, n in s.get("seen", {}).items()]
    if seen:
        print(f"IN-SAMPLE: features from an encoder that was trained on the label of the utterance: {', '.join(seen)}")


def _print_speakers(splits: Mapping[str, Any]) -> None:
    # In the order of the whole corpus, so that the speakers of all splits stand in the same lines.
    counts = list(splits["all"]["speakers"].items())
    rows = [(n, *(_share(s["speakers"].get(n, 0), s["utterances"]) for s in splits.values())) for n, _ in counts]
    more = f" (the {_MOST_SPEAKERS} of {len(rows)} who say most)" if len(rows) > _MOST_SPEAKERS else ""
    print_table(f"speakers{more}", ("speaker", *splits), rows[:_MOST_SPEAKERS])


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f} %)" if total else "0"
