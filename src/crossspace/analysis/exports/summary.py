"""One page on one conversation, to print or to put into a document: PDF or PNG."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.textpath import TextPath

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.html import CAUTION, origin
from crossspace.evaluation.captions import plain, shortened
from crossspace.evaluation.figures.palette import emotion_colours
from crossspace.evaluation.figures.style import MUTED, RULE, drawn

_SIZE = (8.27, 11.69)
"""Inches of a sheet of A4."""
_DOTS = 150
_MOST_SPEAKERS, _MOMENTS = 8, 10
_OTHERS = "others"
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds between two times under the strip."""


def to_pdf(analysis: Analysis) -> bytes:
    """The page as PDF; the same analysis gives the same bytes."""
    return _written(analysis, "pdf", {"CreationDate": None, "Title": plain(analysis.conversation_id)})


def to_png(analysis: Analysis) -> bytes:
    """The page as a picture."""
    return _written(analysis, "png", {})


def _written(analysis: Analysis, kind: str, metadata: Mapping[str, str | None]) -> bytes:
    stream = io.BytesIO()
    # Fonts go into the file as outlines that every reader shows, with letters that can be searched and copied.
    with rc_context({"pdf.fonttype": 42, "text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box in its place says that a letter is there
        summary_figure(analysis).savefig(stream, format=kind, dpi=_DOTS, metadata=dict(metadata))
    return stream.getvalue()


@drawn
def summary_figure(analysis: Analysis) -> Figure:
    """Who says what how: the strip of each speaker, their shares of time and emotions, and the strongest moments.

    Args:
        analysis: of a conversation.
    """
    colours, lanes = emotion_colours(analysis.labels), _lanes(analysis)
    figure = Figure(figsize=_SIZE)
    figure.text(0.07, 0.955, shortened(plain(analysis.conversation_id), 60), size=17, weight="bold", va="center")
    figure.text(0.07, 0.931, _about(analysis), size=9, color=MUTED, va="center")
    figure.text(0.07, 0.914, shortened(plain(origin(analysis)), 110), size=9, color=MUTED, va="center")
    _legend(figure, analysis, colours)
    height = 0.021 * len(lanes)
    _strip(figure.add_axes((0.2, 0.835 - height, 0.74, height)), analysis, lanes, colours)
    top = 0.755 - height
    _shares(figure.add_axes((0.2, top - height, 0.5, height)), analysis, lanes, colours)
    _moments(figure, analysis, colours, top - height - 0.05)
    card = (
        " What the model is good for stands in its card: crossspace card." if analysis.model.get("in_the_box") else ""
    )
    figure.text(0.07, 0.035, textwrap.fill(CAUTION + card, 125), size=7.5, color=MUTED, va="bottom")
    return figure


def _legend(figure: Figure, analysis: Analysis, colours: Mapping[str, str]) -> None:
    """What the colours mean, in the room of two lines: of more labels those that are most probable in the talk."""
    names = {label: shortened(plain(label), 16) for label in analysis.labels}
    points = max(TextPath((0, 0), f"{name}x", size=8.5).get_extents().width for name in names.values())
    columns = max(1, min(len(names), 7, int(0.87 * 72 * _SIZE[0] / (points + 26))))
    most = 2 * columns
    shown = list(names)
    if len(names) > most:
        likely = sorted(names, key=lambda label: -sum(u.share(label) for u in analysis.utterances))[: most - 1]
        shown = [label for label in names if label in likely]
    handles = [Patch(color=colours[label], label=names[label]) for label in shown]
    if len(shown) < len(names):
        handles.append(Patch(color="none", label=f"and {len(names) - len(shown)} more"))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.065, 0.9), ncols=columns, frameon=False, fontsize=8.5,
        handlelength=0.9, handleheight=0.9, borderpad=0, borderaxespad=0, columnspacing=1.4,
    )  # fmt: skip


def _about(analysis: Analysis) -> str:
    count, speakers = len(analysis.utterances), len(analysis.speakers)
    parts = [f"{count} utterance{'s' * (count != 1)}", f"{speakers} speaker{'s' * (speakers != 1)}"]
    duration = (analysis.media or {}).get("duration") or max((u.end or 0.0 for u in analysis.utterances), default=0.0)
    return ", ".join([*parts, _clock(float(duration))] if duration else parts)


def _lanes(analysis: Analysis) -> dict[str, list[UtteranceAnalysis]]:
    """The utterances of each speaker; beyond eight, of those who say least together."""
    counts = Counter(u.speaker for u in analysis.utterances)
    most = sorted(counts, key=lambda s: -counts[s])[: _MOST_SPEAKERS - 1]
    own = analysis.speakers if len(counts) <= _MOST_SPEAKERS else [s for s in analysis.speakers if s in most]
    lanes: dict[str, list[UtteranceAnalysis]] = {speaker: [] for speaker in own}
    for u in analysis.utterances:
        lanes.setdefault(u.speaker if u.speaker in own else _OTHERS, []).append(u)
    return lanes


def _strip(
    axes: Axes, analysis: Analysis, lanes: Mapping[str, Sequence[UtteranceAnalysis]], colours: Mapping[str, str]
) -> None:
    """A bar per utterance in the lane of its speaker: over time where times are known, else one after the other."""
    timed = any(u.start is not None and u.end is not None for u in analysis.utterances)
    places = {u.id: (float(at), 1.0) for at, u in enumerate(analysis.utterances)}
    if timed:
        places = {
            u.id: (u.start, u.end - u.start)
            for u in analysis.utterances
            if u.start is not None and u.end is not None and u.end > u.start
        }
    last = max((start + length for start, length in places.values()), default=1.0)
    for row, own in enumerate(lanes.values()):
        placed = [u for u in own if u.id in places]
        # A sliver at least, so that a short word in a long talk is seen.
        bars = [(places[u.id][0], max(places[u.id][1], last / 1500)) for u in placed]
        axes.broken_barh(
            bars, (row + 0.12, 0.76), facecolors=[_paled(colours[u.emotion], u.confidence) for u in placed]
        )
    _rows(axes, lanes)
    axes.set_xlim(0, last)
    axes.grid(visible=False)
    if timed:
        step = next((step for step in _STEPS if last / step <= 9), 3600 * math.ceil(last / 3600 / 9))
        axes.set_xticks(range(0, int(last) + 1, step), [_clock(t) for t in range(0, int(last) + 1, step)])
    else:
        axes.set_xticks([])
        axes.set_xlabel("one utterance after the other; times are not known", size=8)
    axes.set_title("Emotions over time; the paler, the less certain", size=9.5)


def _shares(
    axes: Axes, analysis: Analysis, lanes: Mapping[str, Sequence[UtteranceAnalysis]], colours: Mapping[str, str]
) -> None:
    """The mean probability of every emotion for each speaker, and how much they say."""
    spoken = [sum(u.end - u.start for u in own if u.start is not None and u.end is not None) for own in lanes.values()]
    whole = sum(spoken)
    for row, own in enumerate(lanes.values()):
        shares = [sum(u.share(label) for u in own) / max(len(own), 1) for label in analysis.labels]
        bars = list(zip(accumulate(shares, initial=0.0), shares, strict=False))
        # One collection: a bar of its own for each of hundreds of labels would take seconds.
        axes.broken_barh(bars, (row + 0.12, 0.76), facecolors=[colours[label] for label in analysis.labels])
        said = f"{len(own)} utterance{'s' * (len(own) != 1)}"
        if whole:
            said += f", {_clock(spoken[row])}, {100 * spoken[row] / whole:.0f} %"
        axes.text(1.02, row + 0.5, said, size=8, va="center", color=MUTED)
    _rows(axes, lanes)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.grid(visible=False)
    axes.set_title("Mean probability of each emotion, and share of the talk", size=9.5)


def _rows(axes: Axes, lanes: Mapping[str, object]) -> None:
    axes.set_ylim(max(len(lanes), 1), 0)
    axes.set_yticks([row + 0.5 for row in range(len(lanes))], [shortened(plain(name), 16) for name in lanes])
    axes.tick_params(axis="y", labelsize=8.5)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(RULE)


def _moments(figure: Figure, analysis: Analysis, colours: Mapping[str, str], top: float) -> None:
    """The most certain utterances of other emotions than none, in the order in which they were said."""
    strong = [u for u in analysis.utterances if not u.emotion.lower().startswith("neu") and not analysis.is_unsure(u)]
    strong = sorted(strong, key=lambda u: -u.confidence)[:_MOMENTS]
    figure.text(0.07, top, "The strongest moments", size=9.5, weight="bold")
    if not strong:
        unsure = any(analysis.is_unsure(u) for u in analysis.utterances)
        said = "Every utterance is neutral, or the model is unsure of it." if unsure else "Every utterance is neutral."
        said = said if analysis.utterances else "Nothing is said."
        figure.text(0.07, top - 0.03, said, size=8.5, color=MUTED)
    order = {u.id: at for at, u in enumerate(analysis.utterances)}
    for row, u in enumerate(sorted(strong, key=lambda u: order[u.id])):
        y = top - 0.03 - 0.027 * row
        when = _clock(u.start) if u.start is not None else f"no. {order[u.id] + 1}"
        figure.text(0.07, y, when, size=8.5, color=MUTED, family="DejaVu Sans Mono")
        # Of what a person says there is no probability.
        sure = f"{100 * u.confidence:.0f} %" if u.corrected is None else "corrected"
        figure.text(0.15, y, "\u25a0", size=11, color=colours[u.emotion], va="baseline")
        figure.text(0.17, y, f"{shortened(plain(u.emotion), 19 - len(sure))} {sure}", size=8.5)
        figure.text(0.335, y, shortened(plain(u.speaker), 15), size=8.5, weight="bold")
        figure.text(0.475, y, shortened(plain(u.text or "(no transcript)"), 58), size=8.5)


def _paled(colour: str, confidence: float) -> tuple[str, float]:
    return colour, 0.3 + 0.7 * min(max(confidence, 0.0), 1.0)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
