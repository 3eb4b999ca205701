"""From what a file says to a transcript that holds together; what is left out or mended is noted."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_ENTRIES, too_many_entries
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

CONTROLS = dict.fromkeys(code for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r\x85")
"""Codes that a terminal obeys and programs take for the sign of binary data, for :meth:`str.translate`."""


_MARKS = "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
"""Of the direction of writing, and of where a line may break; none of them is seen."""
_JOINERS = "\u200c\u200d"
"""Between letters they change how these are written; around a name they do nothing."""
_UNSEEN = dict.fromkeys(map(ord, _MARKS))


@dataclass(frozen=True)
class Entry:
    """A cue and the place in the file, such as ``line 12``, by which a note can name it."""

    place: str
    cue: Cue


class Entries(list[Entry]):
    """The entries of a file, as many as a transcript may have.

    Args:
        name: how messages call the file.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def add(self, place: str, cue: Cue) -> None:
        """One more.

        Raises:
            DataError: that is more than a transcript may hold.
        """
        if len(self) >= MOST_ENTRIES:
            raise too_many_entries(self._name)
        self.append(Entry(place, cue))


def tidied(entries: Sequence[Entry], name: str, notes: Sequence[str] = ()) -> Transcript:
    """The transcript of a file.

    Utterances with an empty text are left out. Halves of characters, which JSON can hold and nothing can write, become
    question marks. Times that cannot be (end before start, negative) become unknown. Where
    only starts are known, an utterance ends where the next one begins. Utterances are sorted by start; one without
    times stays behind the one before it. Overlaps are kept.

    Raises:
        DataError: nothing is left.
    """
    mended = list(notes)
    spoken = _spoken(entries, mended)
    if not spoken:
        raise DataError(
            f"{name} should hold utterances. Found {len(entries)} entries, none with a text. Look at it in an editor, "
            "or save it in another format." + "".join(f" {note}" for note in mended)
        )
    # Ends come after the order: an utterance ends where the next one in time begins.
    cues = _in_order(_possible(spoken, mended), mended)
    cues = _with_ends(cues)
    _note_overlaps(cues, mended)
    return Transcript(tuple(cues), tuple(map(_whole, mended)), len(entries))


def listed(places: Sequence[str], most: int = 5) -> str:
    """The first few places, and how many more there are."""
    rest = len(places) - most
    return ", ".join(places[:most]) + (f" and {rest} more" if rest > 0 else "")


def _spoken(entries: Sequence[Entry], notes: list[str]) -> list[Entry]:
    # Plain first: what was nothing but marks and codes has no text either.
    plain = [replace(entry, cue=_plain(entry.cue, row)) for row, entry in enumerate(entries)]
    empty = [e.place for e in plain if e.cue.text is not None and not is_seen(e.cue.text)]
    if empty:
        notes.append(f"{len(empty)} of {len(entries)} entries have no text; left out ({listed(empty)}).")
    return [e for e in plain if e.cue.text is None or is_seen(e.cue.text)]


def is_seen(text: str) -> bool:
    """Whether a text has a character that a reader sees: no space, code or mark."""
    return any(not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf") for c in text)


def _plain(cue: Cue, row: int) -> Cue:
    text = None if cue.text is None else _whole(cue.text)
    text = text.strip(_MARKS) if text and (text[0] in _MARKS or text[-1] in _MARKS) else text
    label = (cue.label and _whole(cue.label).translate(_UNSEEN).strip()) or None
    own = cue.id and _whole(cue.id)
    # With and without what is not seen it is one name.
    speaker = " ".join(_whole(cue.speaker).translate(_UNSEEN).split()).strip(_JOINERS) or UNKNOWN_SPEAKER
    return replace(cue, text=text, speaker=speaker, label=label, row=row, id=own)


def _whole(text: str) -> str:
    # A terminal would obey control codes, and nobody says them.
    text = text.translate(CONTROLS)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _possible(entries: Sequence[Entry], notes: list[str]) -> list[Cue]:
    cues, wrong = [], []
    for entry in entries:
        start, end = entry.cue.start, entry.cue.end
        known = [time for time in (start, end) if time is not None]
        fits = all(math.isfinite(time) and time >= 0 for time in known) and (len(known) < 2 or known[0] <= known[1])
        if not fits:
            wrong.append(entry.place)
        cues.append(entry.cue if fits and start is not None else replace(entry.cue, start=None, end=None))
    if wrong:
        notes.append(
            f"{len(wrong)} of {len(cues)} utterances have impossible times (they end before they start, or before 0); "
            f"their text is kept, their times are not ({listed(wrong)})."
        )
    return cues


def _in_order(cues: Sequence[Cue], notes: list[str]) -> list[Cue]:
    keys, last = [], 0.0
    for cue in cues:
        # An utterance without times takes the key of the one before, and a stable sort leaves it there.
        last = cue.start if cue.start is not None else last
        keys.append(last)
    order = sorted(range(len(cues)), key=lambda row: keys[row])
    moved = sum(later < earlier for earlier, later in pairwise(keys))
    if moved:
        notes.append(
            f"The utterances were not in the order of their times; sorted ({moved} began before the one above)."
        )
    return [cues[row] for row in order]


def _with_ends(cues: Sequence[Cue]) -> list[Cue]:
    starts = [cue.start for cue in cues]
    ended = []
    for row, cue in enumerate(cues):
        if cue.start is not None and cue.end is None:
            # Fifty ahead: cues of several speakers share a start, and all of them without a later one would cost the
            # square.
            following = [start for start in starts[row + 1 : row + 50] if start is None or start > cue.start]
            # Where the next one begins nobody knows if it has no times: a later one begins long after.
            cue = replace(cue, end=following[0] if following else None)
        ended.append(cue)
    return ended


def _note_overlaps(cues: Sequence[Cue], notes: list[str]) -> None:
    overlaps, before = 0, None
    for cue in cues:
        if cue.start is None or cue.end is None:
            continue
        shared = before is not None and (cue.start, cue.end) == (before.start, before.end)
        # A millisecond of rounding is no overlap; the speakers of one cue share its times.
        if before is not None and before.end is not None and cue.start < before.end - 1e-3 and not shared:
            overlaps += 1
        if before is None or before.end is None or cue.end >= before.end:
            before = cue
    if overlaps:
        notes.append(f"{overlaps} of {len(cues)} utterances begin before the one above has ended; kept as they are.")
