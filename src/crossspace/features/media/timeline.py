"""One rising time for recordings that were joined end to end, whose time stamps begin anew at each joint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LEAP = 1.0
"""Seconds. Time stamps that go back by more are those of another part, or wrong; by less, they are uneven."""

_WRONG = 10
"""Packets. So many with times apart from the ones before are no accident."""


@dataclass
class _TrackClock:
    """Where a track stands, in seconds on the timeline.

    Attributes:
        shift: what is added to its time stamps.
        now: when its last packet is decoded.
        end: until when what it holds so far is shown.
        earlier: ``now`` and ``shift`` before it last leapt forward or began a part.
        since: packets that came after that.
    """

    shift: float
    now: float
    end: float
    earlier: tuple[float, float] = (0.0, 0.0)
    since: int = _WRONG


class Timeline:
    """Gives packets, in the order of the file, times that go on where one part of a recording ends and the next begins.

    A track whose times go back by more than a second begins a part, which is shown when all before it is over; the
    other tracks follow it, each when it arrives there. A few packets with wrong times begin no part: when what comes
    after them fits to what came before them, it stays there.

    All that read a recording must show it the packets of the same tracks, so that they see the same parts.
    """

    def __init__(self) -> None:
        self._tracks: dict[int, _TrackClock] = {}
        self._shift = 0.0

    def place(self, packet: Any) -> None:
        """Put a packet on the timeline, by changing its time stamps."""
        # Times of decoding rise from packet to packet; those of showing jump to and fro in most videos.
        stamp = packet.pts if packet.dts is None else packet.dts
        if stamp is None:
            return
        decoded = float(stamp * packet.time_base)
        shown = decoded if packet.pts is None else float(packet.pts * packet.time_base)
        shift = self._follow(packet.stream_index, decoded, shown)
        self._tracks[packet.stream_index].end = max(
            self._tracks[packet.stream_index].end, shown + shift + float((packet.duration or 0) * packet.time_base)
        )
        ticks = round(shift / packet.time_base)
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    def _follow(self, index: int, decoded: float, shown: float) -> float:
        """The shift of the packet of a track, which goes on from there."""
        track = self._tracks.get(index)
        if track is None:
            self._tracks[index] = _TrackClock(self._shift, decoded + self._shift, shown + self._shift)
            return self._shift
        shift = self._choice(track, decoded, shown)
        now = decoded + shift
        track.since += 1
        if shift != track.shift or now - track.now > _LEAP:
            track.earlier, track.since = (track.now, track.shift), 0
        if abs(now - track.now) > _LEAP:  # the end of what was wrong, or of another part, is none any more
            track.end = shown + shift
        track.shift, track.now = shift, now
        return shift

    def _choice(self, track: _TrackClock, decoded: float, shown: float) -> float:
        def off(shift: float) -> float:
            return abs(decoded + shift - track.now)

        shift = min(track.shift, self._shift, key=off)  # another track may have begun a part
        if off(shift) <= _LEAP:
            return shift
        before, known = track.earlier
        if track.since < _WRONG and 0 <= decoded + known - before <= _LEAP:
            self._shift = known
            return known  # what lay between was wrong
        if decoded + shift > track.now:
            return shift  # a gap
        self._shift = max(t.end for t in self._tracks.values()) - shown
        return self._shift
