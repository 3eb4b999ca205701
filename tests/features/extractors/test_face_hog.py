from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from crossspace.features.extractors import DEFAULTS, Missing, build, from_identity

Draw = Callable[..., np.ndarray]

cv2 = pytest.importorskip("cv2")


@pytest.fixture(scope="module")
def crop(draw: Draw) -> Callable[[float], np.ndarray]:
    return lambda mouth: draw((56, 50, 90, mouth), height=112, width=112)


@pytest.fixture(scope="module")
def extractor() -> object:
    return build("visual", DEFAULTS["visual"])


def parts(vector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return vector[:576], vector[576:640], vector[640:]


def test_a_face_gives_704_finite_numbers_and_its_company_changes_none(extractor, crop) -> None:
    faces = [[crop(0.0), crop(1.0)], [crop(0.5)] * 3, [crop(m) for m in (0.0, 0.2, 0.9)]]
    together = extractor.extract(faces)
    for face, vector in zip(faces, together, strict=True):
        assert vector.shape == (704,) == (extractor.width,)
        assert vector.dtype == np.float32
        assert np.isfinite(vector).all()
        assert np.array_equal(extractor.extract([face])[0], vector)


def test_without_a_face_or_with_one_frame_it_is_missing(extractor, crop) -> None:
    none, one = extractor.extract([[], [crop(0.0)]])
    assert none == Missing("no face found")
    assert isinstance(one, Missing)
    assert "one frame" in one.reason


def test_a_still_face_has_no_movement_and_a_talking_one_moves_at_the_mouth(extractor, crop) -> None:
    still, talks = extractor.extract([[crop(0.3)] * 4, [crop(m) for m in (0.0, 1.0, 0.0, 1.0)]])
    _, varies, moves = parts(still)
    assert not varies.any()
    assert not moves.any()
    _, varies, moves = parts(talks)
    for movement in (varies, moves):  # blocks run down the columns, and within them cells likewise
        rows = movement.reshape(4, 4, 2, 2).transpose(1, 3, 0, 2).reshape(8, 8)
        assert rows[4:].max() > 0.02
        assert not rows[:4].any()


def test_the_order_of_frames_counts_for_speed_alone(extractor, crop) -> None:
    quick, slow = extractor.extract([[crop(m) for m in (0, 1, 0, 1, 0, 1)], [crop(m) for m in (0, 0, 0, 1, 1, 1)]])
    (looks, varies, fast), (looks2, varies2, calm) = parts(quick), parts(slow)
    np.testing.assert_allclose(looks, looks2, atol=1e-6)
    np.testing.assert_allclose(varies, varies2, atol=1e-6)
    np.testing.assert_allclose(fast, 5 * calm, rtol=1e-4, atol=1e-6)


def test_light_changes_little_beside_an_open_mouth(extractor, crop) -> None:
    dim = [cv2.convertScaleAbs(crop(0.0), alpha=0.6, beta=20)] * 2
    face, dimmed, opened = (parts(v)[0] for v in extractor.extract([[crop(0.0)] * 2, dim, [crop(1.0)] * 2]))
    assert np.linalg.norm(face - dimmed) < 0.2 * np.linalg.norm(face - opened)


def test_it_is_built_again_from_its_identity(extractor) -> None:
    assert from_identity("visual", extractor.identity).identity == extractor.identity
