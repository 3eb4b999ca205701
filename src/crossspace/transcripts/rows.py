"""The utterances of a table or a JSON file before it is known what their times count."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from crossspace.data.sentiment import SENTIMENTS
from crossspace.transcripts.bounds import MOST_ENTRIES, too_many_entries
from crossspace.transcripts.clock import FRAME_RATES, Amount, amount_of
from crossspace.transcripts.format import Length
from crossspace.transcripts.names import names_in
from crossspace.transcripts.tidy import Entries, listed
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue
from crossspace.transcripts.units import FRAMES, SECONDS, Spoken, Unit, are_dates, judged, unit_of

_LONGEST = 500
"""Characters of a list of speakers that are looked at."""
PREDICTED = "Labels of this file are a model's and were not taken for those of the conversation."
_NAMED_BY = ("name", "label", "displayName", "display_name", "id")
"""What an object calls a speaker, best first."""


@dataclass(frozen=True)
class Row:
    """An utterance as it stands in a file.

    Attributes:
        place: where, by which a note can name it.
        text: what was said; ``None`` where it is not known.
        speaker: who said it.
        start, end, duration: as the file counts them, where it has them.
        faults: which of these cannot be read.
        label, sentiment, id: as in :class:`~crossspace.transcripts.transcript.Cue`.
        exact: whether the text must stay as it is, to the space: an utterance that has a name is one of a corpus.
    """

    place: str
    text: str | None
    speaker: str = UNKNOWN_SPEAKER
    start: Amount | None = None
    end: Amount | None = None
    duration: Amount | None = None
    faults: tuple[str, ...] = ()
    label: str | None = None
    sentiment: str | None = None
    id: str | None = None
    exact: bool = False

    def times(self) -> tuple[Amount, ...]:
        """Those that it has."""
        return tuple(time for time in (self.start, self.end, self.duration) if time is not None)

    def cue(self, unit: Unit, frame_rate: float = FRAME_RATES[0]) -> tuple[Cue, list[str]]:
        """The utterance, where times without a unit count ``unit``, and which of its times cannot be read."""
        faults, times = list(self.faults), {}
        for part in ("start", "end", "duration"):
            amount = getattr(self, part)
            times[part] = amount.seconds(unit, frame_rate) if amount else None
            # Frames are told once for the whole file.
            if amount and times[part] is None and amount.unit is not FRAMES:
                faults.append(f"{part} {amount.number:.6g}")
        start, end, duration = times["start"], times["end"], times["duration"]
        if end is None and self.end is None and start is not None and duration is not None:
            end = start + duration
        cue = Cue(self.text, self.speaker, start, end, self.label, id=self.id, sentiment=self.sentiment)
        return cue, faults


def row_of(place: str, values: Mapping[str, Any], columns: Mapping[str, str]) -> Row:
    """The utterance of a row of a table or an object of JSON, whose parts stand in these columns."""
    faults: list[str] = []

    def value_of(part: str) -> Any:
        return values.get(columns[part]) if part in columns else None

    def time(part: str) -> Amount | None:
        value = value_of(part)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        amount = amount_of(value)
        if amount is None:
            faults.append(f"{columns[part]} {str(value)[:30]!r}")
        elif amount.unit is None:
            amount = Amount(amount.number, unit_of(columns[part])[1])
        return amount

    said = value_of("text")
    start, end, duration = (time(part) for part in ("start", "end", "duration"))
    return Row(
        place,
        # An object where text should be is as good as empty, and the row is left out as such; null says "not known".
        text=None if said is None else str(said) if isinstance(said, str | int | float) else "",
        speaker=speaker_of(value_of("speaker")),
        start=start,
        end=end,
        duration=duration,
        faults=tuple(faults),
        label=_word(value_of("label")),
        sentiment=_sentiment(value_of("sentiment")),
        id=_word(value_of("id")),
        # Recognisers count their segments and put a space in front of each.
        exact=isinstance(value_of("id"), str) and bool(value_of("id").strip()),
    )


def cue_of(values: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[Cue, list[str]]:
    """The utterance of a row, and which of its times cannot be read; those whose name states no unit are seconds."""
    return row_of("", values, columns).cue(SECONDS)


def entries_of(
    rows: Iterable[Row],
    name: str,
    unit: Unit | None = None,
    duration: float | None = None,
    length: Length | None = None,
) -> tuple[Entries, list[str]]:
    """The entries of a file and notes on their times.

    Args:
        rows: its utterances.
        name: how messages call it.
        unit: of times that state none; judged from all of them when it is not given.
        duration: seconds of the recording, where the file says that.
        length: the same of the recording itself, where it is at hand.

    Raises:
        DataError: there are more than a transcript may hold.
    """
    kept, decided = list(islice(rows, MOST_ENTRIES + 1)), ""
    if len(kept) > MOST_ENTRIES:
        raise too_many_entries(name)
    kept = _with_names(kept)
    if unit is None:
        spoken = [known for row in kept if (known := _spoken(row))]
        if spoken and duration is None and length is not None:
            duration = length()
        unit, decided = judged(spoken, duration)
        if are_dates(spoken):
            kept = [replace(row, start=None) for row in kept]
            decided = "Times are dates (seconds since 1970) and none of a recording; they are unknown."
    return _timed(kept, name, unit, decided)


def _with_names(rows: list[Row]) -> list[Row]:
    """Rows whose speakers stand before a colon in every text, in a file that names them nowhere else."""
    if len(rows) < 2 or any(row.speaker != UNKNOWN_SPEAKER or not row.text for row in rows):
        return rows
    texts = [row.text or "" for row in rows]
    names = names_in([text] for text in texts)
    said = [names.split(text) for text in texts]
    if not all(who and text for who, text in said):
        return rows
    return [replace(row, speaker=who or row.speaker, text=text) for row, (who, text) in zip(rows, said, strict=True)]


def _timed(rows: Sequence[Row], name: str, unit: Unit, decided: str) -> tuple[Entries, list[str]]:
    entries, unread, frames = Entries(name), list[str](), False
    most = max((time.frames for row in rows for time in row.times()), default=0)
    rate = next(rate for rate in FRAME_RATES if most < rate)
    for row in rows:
        cue, faults = row.cue(unit, rate)
        entries.add(row.place, cue if row.exact else replace(cue, text=_in_one_line(cue.text)))
        unread += [f"{row.place}: {fault}" for fault in faults]
        frames = frames or any(time.unit is FRAMES for time in row.times())
    notes = [f"{len(unread)} times cannot be read and are unknown ({listed(unread)})."] if unread else []
    notes += [decided] if decided else []
    if most:
        notes.append(f"Times are timecodes whose last part counts frames; taken as {rate} a second.")
    if frames:
        notes.append("Times are counted in frames, and nothing says how many make a second; they are unknown.")
    return entries, notes


def _in_one_line(text: str | None) -> str | None:
    """A text without line breaks, which cells in quotes have, and without spaces around it, which recognisers write."""
    return text and " ".join(map(str.strip, text.strip().split("\n")))


def _spoken(row: Row) -> Spoken | None:
    """What a row says of the unit, where its times do not state it."""
    start = row.start.number if row.start and row.start.unit is None else None
    end = row.end.number if row.end and row.end.unit is None else None
    duration = row.duration.number if row.duration and row.duration.unit is None else None
    if start is None:
        # Clocks beside a bare number of how long it takes.
        return Spoken(0.0, duration, _words(row.text)) if row.start and duration is not None else None
    if end is None and duration is not None:
        end = start + duration
    return Spoken(start, end, _words(row.text))


def _words(text: str | None) -> float:
    """How many words a text has; about six characters make one where no spaces stand between them."""
    text = (text or "")[:1000]
    return max(text.count(" ") + 1, len(text) / 6) if text.strip() else 0.0


def speaker_of(value: Any) -> str:
    """The name of a speaker: a text, a number (``speaker 0``), an object with a name, or a list of these.

    EmoryNLP writes a list of names as text, ``['Monica Geller']``.
    """
    if isinstance(value, str) and len(value) <= _LONGEST and value.strip().startswith("["):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            # Literals only, and a bounded length: nesting beyond that would exhaust the parser.
            value = ast.literal_eval(value.strip())
    if isinstance(value, list | tuple):
        names = [_one_speaker(one) for one in value]
        return " and ".join(one for one in names if one) or UNKNOWN_SPEAKER
    return _one_speaker(value) or UNKNOWN_SPEAKER


def _one_speaker(value: Any) -> str | None:
    if isinstance(value, dict):
        value = next((value[key] for key in _NAMED_BY if value.get(key) not in (None, "")), None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{UNKNOWN_SPEAKER} {value:g}" if abs(value) < 1e9 else None
    return _word(value)


def _word(value: Any) -> str | None:
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _sentiment(value: Any) -> str | None:
    """One of the usual names, in lower case; whatever else such a column holds (intensities, say) is none."""
    word = (_word(value) or "").lower()
    return word if word in SENTIMENTS else None
