"""How metrics, objectives and modalities are called in front of readers."""

from __future__ import annotations

import re
import textwrap

METRIC_CAPTIONS = {
    "weighted_f1": "Weighted F1",
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "uar": "Unweighted average recall",
}
"""Names of the overall metrics in tables."""

_OBJECTIVES = {"fused": ("L1", "fused"), "unimodal": ("L2", "unimodal"), "distillation": ("L3", "distillation")}


_SPELLED = {
    word.lower(): word
    for word in (
        "CSS", "SDT", "DialogueRNN", "CMN", "ICON", "MMGCN", "MM-DFN", "M3NET", "GraphSmile", "HAUCL", "Ada2I",
        "CFN-ESA", "bc-LSTM", "LSTM", "SPF", "PGM", "MAE", "IAE", "TFN", "LMF", "MFB", "PTP", "MGDA", "DWA", "GELU",
        "ReLU", "MLP", "L1", "L2", "L3",
    )
} | {"mpt-hcl": "MPT-HCL (reconstructed)"}  # fmt: skip
"""How the field writes what is lower case in options and file names; no code of MPT-HCL exists to be true to."""


def spelled(name: str, like: str = "") -> str:
    """The words of a name that is written with hyphens, ``without SPF`` for ``without-spf``.

    Args:
        name: of a model, a variant or another part.
        like: a text; words that it writes with capitals inside are written so.
    """
    # A capital after the first letter is a spelling of its own; one at the beginning may only begin a sentence.
    capital = [word.rstrip(".-") for word in re.findall(r"\w[\w.-]*", like) if re.search(r"[A-Z]", word[1:])]
    known = _SPELLED | {word.lower(): word for word in capital}
    if name.lower() in known:
        return known[name.lower()]
    words = [str(word) for word in re.split(r"[-_]+", name) if word]
    return " ".join(known.get(word.lower(), word) for word in words) or name


def objective_caption(name: str) -> str:
    """``"L1 fused"`` for the paper's objectives, the name itself for any other."""
    return " ".join(_OBJECTIVES.get(name, (name,)))


def pair_caption(pair: str) -> str:
    """``"L1, L2"`` for ``"fused/unimodal"``; names that are not the paper's stay whole."""
    return ", ".join(_OBJECTIVES.get(name, (name,))[0] for name in pair.split("/"))


def p_text(value: float | None) -> str:
    """A p-value as readers see it; one that is below 0.05 never reads as 0.05."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return f"{value:.4f}" if 0.0495 <= value < 0.05 else f"{value:.3f}"


def plain(text: str) -> str:
    """``text`` on one line, without characters that neither XML nor a page can hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def shortened(text: str, length: int) -> str:
    """``text`` on one line of at most ``length`` characters, cut at a word where one ends near."""
    line = plain(text)
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    # Cut at a word, unless that would lose much of a text of long words.
    at_word = cut.rsplit(" ", 1)[0]
    return (at_word if len(at_word) > 0.7 * length else cut).rstrip(" ,;:.") + "…"


def wrapped(text: str, length: int = 30) -> str:
    """``text`` on at most two lines of ``length`` characters."""
    return "\n".join(textwrap.wrap(plain(text), length, max_lines=2, placeholder="…"))
