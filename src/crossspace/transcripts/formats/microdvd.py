"""MicroDVD (``.sub``): captions by numbers of frames."""

from __future__ import annotations

import re

from crossspace.errors import DataError
from crossspace.transcripts.bounds import check_lines
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import Block, transcript_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript

_LINE = re.compile(r"\{(\d{1,9})\}\{(\d{0,9})\}([^\n]*)")
_SIGN = re.compile(rf"\ufeff?\s*(?:\{{DEFAULT\}}[^\n]*\n\s*)?{_LINE.pattern}")
_CODE = re.compile(r"\{[A-Za-z]:[^{}]*\}")
_SLOWEST, _FASTEST = 5.0, 200.0
"""Frames a second."""


def parse_microdvd(text: str, name: str) -> Transcript:
    """The transcript of a MicroDVD file whose first line gives the frame rate.

    Raises:
        DataError: it does not, so that frames are no times, or there is no utterance.
    """
    check_lines(text.replace("|", "\n"), name)
    blocks, other = list[Block](), list[str]()
    rate: float | None = None
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            other += [f"line {number}"] if line.strip() and not line.startswith("{DEFAULT}") else []
            continue
        first, last, said = match.groups()
        if rate is None:
            rate = _rate(said, name, number)
            continue
        lines = [_CODE.sub("", part).strip().removeprefix("/") for part in said.split("|")]
        blocks.append(Block(number, int(first) / rate, int(last) / rate if last else None, lines))
    notes = [f"{len(other)} lines have no frames; left out ({listed(other)})."] if other else []
    return transcript_of(blocks, name, notes)


def _rate(said: str, name: str, number: int) -> float:
    rate = seconds(said.strip())
    if rate is None or not _SLOWEST <= rate <= _FASTEST:
        raise DataError(
            f"{name} counts frames, and its first line should say how many make a second, as in {{1}}{{1}}25.000. "
            f"Found {said.strip()[:40]!r} at line {number}. Add that line, with the frame rate of the recording."
        )
    return rate


MICRODVD = Format("MicroDVD", lambda text: _SIGN.match(text) is not None, parse_microdvd, (".sub",), "in any brackets")
