"""Faces followed through the frames of an utterance, and the one of them that stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from crossspace.features.pictures.detector import Detector
from crossspace.features.pictures.face import Face, cut_out
from crossspace.features.pictures.speaker import choose
from crossspace.runtime import optional_import

SIDE = 112
"""S, the side of the crops in pixels."""

REACH = 1.15
"""Side of a crop in sizes of the face: a little of the forehead and the chin round the cascade's square."""

_AGAIN, _AGAIN_UNSEEN = 1.0, 0.5
"""Seconds after which the whole picture is searched again while a face is followed, and while none is."""

_PATIENCE = 1.0
"""Seconds, two frames at least, for which a lost face is looked for at its last place."""

_TICK = 1e-3
"""Seconds by which the times of frames may be off the grid of their rate."""

_SHAKE = 0.05
"""The part of a face by which a crop may stay behind it; and the hundred-fold in degrees."""

_CUT = 24.0
"""Mean change of a thumbnail, in grey levels, that only a cut between shots makes."""


@dataclass(frozen=True)
class FaceTrack:
    """The face of an utterance.

    Attributes:
        crops: F upright squares of it, ``(112, 112, 3)`` uint8 RGB, in the order of time; empty where no face was seen.
        times: seconds of the F frames it was seen in.
        boxes: its ``(left, top, width, height)`` in these frames, in pixels; they may reach beyond the picture.
        faces_seen: how many faces were followed in the utterance, this one included.
    """

    crops: list[np.ndarray] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    boxes: list[tuple[int, int, int, int]] = field(default_factory=list)
    faces_seen: int = 0


class _Trace:
    """One face while it is followed."""

    def __init__(self) -> None:
        self.faces: list[Face] = []
        self.smoothed: list[Face] = []
        self.times: list[float] = []
        self.crops: list[np.ndarray] = []
        self.lost = False

    def see(self, time: float, image: np.ndarray, face: Face) -> None:
        """Add the crop of one more frame, cut half-way between where the last crop was and where the face is found."""
        smoothed = face
        if self.smoothed:
            # The cascade's square shakes by a few percent from frame to frame; unsmoothed, that would pass for
            # movement. A real movement is not lagged behind by more than that.
            most = np.array([*[_SHAKE * face.size] * 3, 100 * _SHAKE])
            back = np.subtract(self.smoothed[-1], face) / 2
            smoothed = Face(*(face + np.clip(back, -most, most)).tolist())
        self.lost = False
        self.faces.append(face)
        self.smoothed.append(smoothed)
        self.times.append(time)
        self.crops.append(cut_out(image, smoothed, reach=REACH, side=SIDE))


class FaceFollower:
    """Finds faces in sampled frames and follows each from frame to frame.

    The whole picture is searched in the first frame, after a cut, when a face is lost, and once a second (every 0.5 s
    while none is followed); in between, each face is looked for near the place where it was, for a second (two
    frames at least) after it was last seen, or until the next cut. A face seen once only counts when the
    utterance has at most three frames: what is seen once in many is mostly a curtain.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """

    def __init__(self) -> None:
        self._cv2 = optional_import("cv2", "media")
        self._detector = Detector()

    def follow(self, frames: Iterable[tuple[float, np.ndarray]]) -> FaceTrack:
        """Follow the faces of one utterance.

        Args:
            frames: pairs of seconds and picture ``(H, W, 3)`` uint8 RGB, upright, in the order of time. They are taken
                one at a time; only crops are kept.

        Returns:
            The speaking face where one moves its mouth clearly more than the others, otherwise the one that is seen
            the largest for the longest (:func:`~crossspace.features.pictures.speaker.choose`).
        """
        traces: list[_Trace] = []
        live: list[_Trace] = []
        searched, seen_at, thumbnail, count = -np.inf, -np.inf, None, 0
        for time, image in frames:
            count += 1
            grey = self._cv2.cvtColor(np.ascontiguousarray(image), self._cv2.COLOR_RGB2GRAY)
            previous, thumbnail = thumbnail, self._thumbnail(grey)
            # A thumbnail: movement of people hardly changes it, another shot changes all of it.
            cut = previous is None or float(np.abs(thumbnail - previous).mean()) > _CUT
            # Where frames lie more than half a second apart, a second would be less than two of them.
            patience = max(_PATIENCE, 2 * (time - seen_at)) + _TICK
            live = [] if cut else [trace for trace in live if time - trace.times[-1] <= patience]
            seen_at = time
            lost = self._follow_known(live, time, image, grey)
            if cut or lost or time - searched >= (_AGAIN if live else _AGAIN_UNSEEN) - _TICK:
                searched = time
                new = self._search(live, time, image, grey)
                live, traces = live + new, traces + new
        return _track_of_speaker([trace for trace in traces if len(trace.crops) > 1 or count <= 3])

    def _thumbnail(self, grey: np.ndarray) -> np.ndarray:
        return self._cv2.resize(grey, (32, 18), interpolation=self._cv2.INTER_AREA).astype(np.float32)

    def _follow_known(self, live: list[_Trace], time: float, image: np.ndarray, grey: np.ndarray) -> bool:
        """Look for each face near its last place; two never take the same. Whether one was lost just now."""
        taken: list[Face] = []
        lost = False
        for trace in live:
            face = self._detector.near(grey, trace.faces[-1])
            # Two traces that end up on one face would count it twice.
            if face is not None and not any(map(face.overlaps, taken)):
                trace.see(time, image, self._detector.levelled(grey, face))
                taken.append(trace.faces[-1])
            else:
                lost, trace.lost = lost or not trace.lost, True
        return lost

    def _search(self, live: list[_Trace], time: float, image: np.ndarray, grey: np.ndarray) -> list[_Trace]:
        """Look for faces anywhere: one at the place of a lost face continues it, others are new and returned."""
        new: list[_Trace] = []
        for face in self._detector.everywhere(grey):
            at_its_place = [trace for trace in [*live, *new] if face.overlaps(trace.faces[-1])]
            if not at_its_place:
                new.append(_Trace())
            # The face is followed already; the search sees it again.
            elif not all(trace.lost for trace in at_its_place):
                continue
            trace = at_its_place[0] if at_its_place else new[-1]
            trace.see(time, image, self._detector.levelled(grey, face))
        return new


def follow(frames: Iterable[tuple[float, np.ndarray]]) -> FaceTrack:
    """The face of one utterance: :meth:`FaceFollower.follow`, for one call.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    return FaceFollower().follow(frames)


def _track_of_speaker(traces: list[_Trace]) -> FaceTrack:
    if not traces:
        return FaceTrack()
    chosen = traces[choose([trace.crops for trace in traces], [[f.size for f in trace.faces] for trace in traces])]
    return FaceTrack(chosen.crops, chosen.times, [face.box for face in chosen.smoothed], len(traces))
