"""Which recipes of a study suit a corpus (by what it is, never by what it is called), and what goes with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crossspace.data.corpus import Corpus
from crossspace.errors import suggestion
from crossspace.studies.study import SECTIONS

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
    # Several vectors of one modality are of the same kind, each as wide as the one that other files hold.
    widths = {m: d // corpus.spec.vectors.get(m, 1) for m, d in corpus.spec.widths.items()}
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


def asked_settings(
    written: Sequence[Mapping[str, Any]], chosen: str | None, corpus: Corpus, faults: list[str]
) -> tuple[str | None, str]:
    """The settings to take, and why; an empty reason where they were asked for."""
    known = known_settings(written)
    if chosen is not None and chosen not in known:
        faults.append(f"The study has no settings {chosen!r}. {suggestion(chosen, known)}")
        chosen = None
    return (chosen, "") if chosen is not None else choose_settings(known, corpus)


def known_settings(written: Iterable[Mapping[str, Any]]) -> list[str]:
    """The settings for which there are recipes."""
    recipes = [values.get("recipe") for values in written]
    return list(dict.fromkeys(str(key) for recipe in recipes if isinstance(recipe, Mapping) for key in recipe))


def special(values: Mapping[str, Any], settings: str | None) -> Mapping[str, Any]:
    """What holds under these settings only."""
    stated = values.get("by_settings")
    own = stated.get(settings) if isinstance(stated, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def check_special(where: str, values: Mapping[str, Any], known: Sequence[str], faults: list[str]) -> None:
    """What is wrong with the values that hold under some settings only."""
    special = values.get("by_settings") or {}
    form = f"{where}: `by_settings` should map settings to sections {', '.join(SECTIONS)}."
    if not isinstance(special, Mapping):
        faults.append(f"{form} Found {special!r}.")
        return
    for settings, sections in special.items():
        if settings not in known:
            faults.append(f"{where}: `by_settings` names {settings!r}. {suggestion(str(settings), known)}")
        if not isinstance(sections, Mapping) or not set(sections) <= set(SECTIONS):
            faults.append(f"{form} Found {sections!r} for {settings!r}.")
