"""Which recipes of a study suit a corpus: by what the corpus is, never by what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossspace.data.corpus import Corpus

PUBLISHED: Mapping[str, Mapping[str, int]] = {
    "iemocap": {"text": 1024, "audio": 1582, "visual": 342},
    "meld": {"text": 1024, "audio": 300, "visual": 342},
    "mosi": {"text": 100, "audio": 73, "visual": 100},
}
"""``{settings: widths}`` of the feature files whose settings are known: recipes were chosen for these."""
SMALL, SYNTHETIC = "small", "synthetic"
_FEW = 1000
"""Labelled training utterances below which settings of a large corpus are not taken, whatever the widths."""


def choose_settings(known: Sequence[str], corpus: Corpus) -> tuple[str | None, str]:
    """The settings to take where none were asked for, and why.

    Args:
        known: those that the study has, the usual one first.
        corpus: on which the study runs.
    """
    if not known:
        return None, ""
    widths = dict(corpus.spec.widths)
    # By what made the features, since a generated corpus may have any widths.
    if SYNTHETIC in known and all((e or {}).get("name") == SYNTHETIC for e in map(corpus.extractors.get, widths)):
        return SYNTHETIC, "the corpus was generated"
    rows = sum(corpus.lengths("train"))
    for name in known:
        usual = PUBLISHED.get(name, {})
        # A part of the published modalities will do; others beside them will not.
        if usual and widths.items() <= usual.items() and rows >= _FEW:
            return name, f"the features have the widths of those published for {name.upper()}"
    said = ", ".join(f"{m} {d}" for m, d in widths.items())
    if SMALL in known:
        return SMALL, f"no published settings are for features like these ({said}; {rows:,} training utterances)"
    return known[0], f"the study's first; none is known for features of these widths ({said})"
