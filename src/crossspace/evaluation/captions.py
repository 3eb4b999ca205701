"""How metrics, objectives and modalities are called in front of readers."""

from __future__ import annotations

METRIC_CAPTIONS = {
    "weighted_f1": "Weighted F1",
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "uar": "Unweighted average recall",
}
"""Names of the overall metrics in tables."""

_OBJECTIVES = {"fused": ("L1", "fused"), "unimodal": ("L2", "unimodal"), "distillation": ("L3", "distillation")}


def objective_caption(name: str) -> str:
    """``"L1 fused"`` for the paper's objectives, the name itself for any other."""
    return " ".join(_OBJECTIVES.get(name, (name,)))


def pair_caption(pair: str) -> str:
    """``"L1, L2"`` for ``"fused/unimodal"``; names that are not the paper's stay whole."""
    return ", ".join(_OBJECTIVES.get(name, (name,))[0] for name in pair.split("/"))


def plain(text: str) -> str:
    """``text`` on one line, without characters that neither XML nor a page can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def shortened(text: str, length: int) -> str:
    """``text`` on one line of at most ``length`` characters, cut at a word where one ends near."""
    whole = plain(text)
    if len(whole) <= length:
        return whole
    cut = whole[: length - 1]
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > 0.7 * length else cut).rstrip(" ,;:.") + "…"
