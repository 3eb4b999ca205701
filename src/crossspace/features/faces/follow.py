"""Faces followed through the frames of an utterance, and the one of them that stands for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from crossspace.features.faces.detector import Detector
from crossspace.features.faces.face import Face, cut_out
from crossspace.features.faces.speaker import choose
from crossspace.runtime import optional_import

SIDE = 112
"""S, the side of the crops in pixels."""

REACH = 1.15
"""Side of a crop in sizes of the face: a little of the forehead and the chin round the cascade's square."""

_AGAIN, _AGAIN_UNSEEN = 1.0, 0.5
"""Seconds after which the whole picture is searched again while a face is followed, and while none is."""

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
        self.found: list[Face] = []
        self.shown: list[Face] = []
        self.times: list[float] = []
        self.crops: list[np.ndarray] = []

    def see(self, time: float, image: np.ndarray, face: Face) -> None:
        """Add the crop of one more frame, cut half-way between where the last crop was and where the face is found.

        The cascade's square shakes by a few percent from frame to frame; unsmoothed, that would pass for movement.
        """
        if self.shown:
            face_shown = Face(*(np.add(self.shown[-1], face) / 2).tolist())
        else:
            face_shown = face
        self.found.append(face)
        self.shown.append(face_shown)
        self.times.append(time)
        self.crops.append(cut_out(image, face_shown, reach=REACH, side=SIDE))


class FaceFollower:
    """Finds faces in sampled frames and follows each from frame to frame.

    The whole picture is searched in the first frame, after a cut, when a face is lost, and once a second (every 0.5 s
    while none is followed); in between, each face is looked for near the place where it was. A lost face that is found
    again at its place within a second, without a cut between, goes on. A face seen once only counts when the
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
            the largest for the longest (:func:`~crossspace.features.faces.speaker.choose`).
        """
        traces: list[_Trace] = []
        live: list[_Trace] = []
        shot: list[_Trace] = []
        searched, thumbnail, count = -np.inf, None, 0
        for time, image in frames:
            count += 1
            grey = self._cv2.cvtColor(np.ascontiguousarray(image), self._cv2.COLOR_RGB2GRAY)
            previous, thumbnail = thumbnail, self._thumbnail(grey)
            cut = previous is None or float(np.abs(thumbnail - previous).mean()) > _CUT
            if cut:
                live, shot = [], []
            before = len(live)
            live = self._go_on(live, time, image, grey)
            if cut or len(live) < before or time - searched >= (_AGAIN if live else _AGAIN_UNSEEN) - 1e-3:
                searched = time
                for trace in self._search(live, shot, time, image, grey):
                    live.append(trace)
                    if trace not in shot:
                        shot.append(trace)
                        traces.append(trace)
        return _answer([trace for trace in traces if len(trace.crops) > 1 or count <= 3])

    def _thumbnail(self, grey: np.ndarray) -> np.ndarray:
        return self._cv2.resize(grey, (32, 18), interpolation=self._cv2.INTER_AREA).astype(np.float32)

    def _go_on(self, live: list[_Trace], time: float, image: np.ndarray, grey: np.ndarray) -> list[_Trace]:
        """The faces that are found near their last place; two never take the same."""
        kept: list[_Trace] = []
        for trace in live:
            face = self._detector.near(grey, trace.found[-1])
            if face is not None and not any(face.overlaps(other.found[-1]) for other in kept):
                trace.see(time, image, self._detector.levelled(grey, face))
                kept.append(trace)
        return kept

    def _search(
        self, live: list[_Trace], shot: list[_Trace], time: float, image: np.ndarray, grey: np.ndarray
    ) -> list[_Trace]:
        """Faces anywhere that are not followed at present: new, or lost in this shot less than a second ago."""
        added: list[_Trace] = []
        for face in self._detector.everywhere(grey):
            if any(face.overlaps(trace.found[-1]) for trace in [*live, *added]):
                continue
            lost = [t for t in shot if t not in live and t not in added and time - t.times[-1] <= 1.0 + 1e-3]
            trace = next((t for t in reversed(lost) if face.overlaps(t.found[-1])), None) or _Trace()
            trace.see(time, image, self._detector.levelled(grey, face))
            added.append(trace)
        return added


def follow(frames: Iterable[tuple[float, np.ndarray]]) -> FaceTrack:
    """The face of one utterance: :meth:`FaceFollower.follow`, for one call.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    return FaceFollower().follow(frames)


def _answer(traces: list[_Trace]) -> FaceTrack:
    if not traces:
        return FaceTrack()
    chosen = traces[choose([trace.crops for trace in traces], [[f.size for f in trace.found] for trace in traces])]
    return FaceTrack(chosen.crops, chosen.times, [face.box for face in chosen.shown], len(traces))
