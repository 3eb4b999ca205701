from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from crossspace.features.pictures import FaceFollower, FaceTrack, follow
from crossspace.features.pictures.speaker import mouth_movement

Draw = Callable[..., np.ndarray]
Frames = list[tuple[float, np.ndarray]]

cv2 = pytest.importorskip("cv2")

TALK = (0.1, 0.9, 0.3, 1.0, 0.0, 0.7, 0.2, 0.8)


def at_five(pictures: list[np.ndarray]) -> Frames:
    return [(i / 5, picture) for i, picture in enumerate(pictures)]


@pytest.fixture
def talking(draw: Draw) -> Frames:
    """One face that talks and drifts to the right."""
    return at_five([draw((120 + 4 * i, 115, 100, mouth)) for i, mouth in enumerate(TALK)])


def same(a: FaceTrack, b: FaceTrack) -> bool:
    return a.boxes == b.boxes and a.times == b.times and all(map(np.array_equal, a.crops, b.crops))


def test_a_face_is_found_in_every_frame_it_is_in(talking: Frames) -> None:
    track = follow(talking)
    assert track.faces_seen == 1
    assert track.times == [time for time, _ in talking]
    assert len(track.crops) == len(track.boxes) == len(talking)
    assert all(crop.shape == (112, 112, 3) and crop.dtype == np.uint8 for crop in track.crops)
    for i, (left, top, width, height) in enumerate(track.boxes):
        assert left + width / 2 == pytest.approx(120 + 4 * i, abs=12)
        assert top + height / 2 == pytest.approx(115, abs=12)
        assert 85 < width == height < 135


def test_the_crop_shows_the_face_upright_in_its_middle(draw: Draw) -> None:
    picture = draw((160, 115, 100, 0.0))
    straight = follow([(0.0, picture), (0.2, picture)]).crops[1].astype(float)
    for angle in (-30, -15, 15, 30):
        turn = cv2.getRotationMatrix2D((160, 115), angle, 1.0)
        turned = cv2.warpAffine(picture, turn, (320, 240), borderMode=cv2.BORDER_REPLICATE)
        crop = follow([(0.0, turned), (0.2, turned)]).crops[1].astype(float)
        assert np.corrcoef(crop.ravel(), straight.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("size", [1.0, 2.0, 4.0])
def test_the_size_of_the_picture_does_not_matter(talking: Frames, size: float) -> None:
    larger = [(time, cv2.resize(picture, None, fx=size, fy=size)) for time, picture in talking]
    track = follow(larger)
    assert len(track.crops) == len(talking)
    assert track.boxes[0][2] == pytest.approx(size * follow(talking).boxes[0][2], rel=0.15)


@pytest.mark.parametrize("shift", [(-40, 0), (70, 30), (0, -20)])
def test_a_face_is_found_wherever_it_is(talking: Frames, shift: tuple[int, int]) -> None:
    moved = [
        (time, cv2.warpAffine(p, np.float32([[1, 0, shift[0]], [0, 1, shift[1]]]), (320, 240), borderMode=1))
        for time, p in talking
    ]
    assert len(follow(moved).crops) == len(talking)


def test_a_mirrored_recording_gives_the_same_face(talking: Frames) -> None:
    track = follow([(time, picture[:, ::-1]) for time, picture in talking])
    assert len(track.crops) == len(talking)
    assert track.boxes[0][0] + track.boxes[0][2] / 2 == pytest.approx(319 - 120, abs=12)


def test_of_two_faces_the_one_whose_mouth_moves_is_chosen_even_if_it_is_smaller(draw: Draw) -> None:
    for first, second, chosen in [(0, 1, 225), (1, 0, 75)]:
        pictures = [draw((75, 120, 100, first * m), (225, 120, 80 if second else 100, second * m)) for m in TALK]
        track = follow(at_five(pictures))
        assert track.faces_seen == 2
        assert all(left + width / 2 == pytest.approx(chosen, abs=12) for left, _, width, _ in track.boxes)


def test_of_two_silent_faces_the_larger_is_chosen(draw: Draw) -> None:
    track = follow(at_five([draw((75, 120, 80, 0.0), (225, 120, 110, 0.0))] * 6))
    assert track.faces_seen == 2
    assert track.boxes[0][0] + track.boxes[0][2] / 2 == pytest.approx(225, abs=12)


def test_a_head_that_nods_silently_is_not_taken_for_the_speaker(draw: Draw) -> None:
    nods = (0, 8, -6, 5, -8, 7, 0, -5)
    pictures = [draw((75, 120 + nod, 110, 0.0), (235, 120, 90, m)) for nod, m in zip(nods, TALK, strict=True)]
    track = follow(at_five(pictures))
    assert track.boxes[0][0] + track.boxes[0][2] / 2 == pytest.approx(235, abs=12)


def test_no_face_gives_an_empty_track(draw: Draw) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    for picture in (draw(), noise, np.zeros((1, 1, 3), np.uint8), np.full((10, 500, 3), 255, np.uint8)):
        assert follow(at_five([picture] * 4)) == FaceTrack()
    assert follow([]) == FaceTrack()


def test_a_face_in_one_of_many_frames_is_not_believed(draw: Draw) -> None:
    empty, face = draw(), draw((160, 115, 100, 0.0))
    assert follow(at_five([face, *[empty] * 9])).crops == []
    assert len(follow([(0.0, face)]).crops) == 1


def test_a_face_that_is_hidden_for_a_moment_is_the_same_face_afterwards(talking: Frames) -> None:
    hidden = [*talking]
    for i in (3, 4):
        covered = hidden[i][1].copy()
        covered[60:180, 80:220] = 110
        hidden[i] = hidden[i][0], covered
    track = follow(hidden)
    assert track.faces_seen == 1
    assert track.times == [time for i, (time, _) in enumerate(hidden) if i not in (3, 4)]


def test_a_cut_begins_a_new_face(draw: Draw) -> None:
    here = [draw((160, 115, 100, 0.0))] * 4
    there = [255 - draw()] * 1 + [cv2.convertScaleAbs(draw((150, 115, 100, 0.0)), alpha=0.4)] * 6
    track = follow(at_five(here + there))
    assert track.faces_seen == 2
    assert track.times[0] == 1.0


def test_frames_far_apart_still_make_one_face(draw: Draw) -> None:
    track = follow([(3.0 * i, draw((150 + i, 115, 100, m))) for i, m in enumerate(TALK)])
    assert track.faces_seen == 1
    assert len(track.crops) == len(TALK)


def test_a_follower_keeps_nothing_from_one_utterance_to_the_next(talking: Frames, draw: Draw) -> None:
    follower = FaceFollower()
    first = follower.follow(talking)
    follower.follow(at_five([draw((220, 120, 80, 0.0))] * 3))
    assert same(follower.follow(talking), first)
    assert same(follow(talking), first)


def test_frames_are_taken_one_at_a_time_and_left_as_they_were(talking: Frames) -> None:
    before = [picture.copy() for _, picture in talking]
    taken = 0

    def stream() -> Iterator[tuple[float, np.ndarray]]:
        nonlocal taken
        for frame in talking:
            taken += 1
            yield frame

    assert same(follow(stream()), follow(talking))
    assert taken == len(talking)
    assert all(np.array_equal(a, b) for a, (_, b) in zip(before, talking, strict=True))


def test_the_movement_of_a_mouth_leaves_out_light_and_shifts(draw: Draw) -> None:
    crops = [draw((56, 50, 90, m), height=112, width=112) for m in TALK]
    still = [np.roll(crops[0], shift, axis=1) for shift in (0, 3, -2, 4)]
    darker = [cv2.convertScaleAbs(crops[0], alpha=alpha) for alpha in (1.0, 0.5, 0.8, 0.6)]
    assert mouth_movement(crops[:1]) == 0.0
    assert mouth_movement(crops) > 5 * max(mouth_movement(still), mouth_movement(darker))
