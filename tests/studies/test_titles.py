"""Titles of variants: words that a reader knows, from the names of folders and what is said of the variants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossspace.configuration import make_configuration
from crossspace.studies.study import Variant
from crossspace.studies.titles import titles


@pytest.fixture
def variant(tiny_tree: dict[str, dict]) -> Variant:
    return Variant("x", "", make_configuration(tiny_tree))


@pytest.mark.parametrize(
    ("name", "about", "title"),
    [
        ("without-spf", "concatenation and a linear map in place of SPF", "CSS without SPF"),
        ("with-pgm", "weights from PGM at every step", "CSS with PGM"),
        ("without-specific-projection", "one projection for all", "CSS without specific projection"),
        ("full", "CSS whole", "Full CSS"),
        ("bc-lstm", "a bidirectional LSTM", "bc-LSTM"),
        ("dialoguernn", "DialogueRNN (Majumder et al., 2019)", "DialogueRNN"),
        ("nash-mtl", "Nash-MTL", "Nash-MTL"),
        ("cagrad-often", "CAGrad, more often", "CAGrad often"),
        ("T+A", "text and audio", "Text and audio"),
        ("logistic-regression", "every utterance alone", "Logistic regression"),
        ("narrow", "", "Narrow"),
    ],
)
def test_a_title_is_spelled_as_the_field_spells_it(variant: Variant, name: str, about: str, title: str) -> None:
    assert titles([replace(variant, name=name, about=about)]) == {name: title}


def test_a_point_of_a_grid_is_called_by_its_values(variant: Variant) -> None:
    point = replace(variant, name="order-2-rank-16", about="order 2, rank 16", point={"model.order": 2})
    assert titles([point]) == {"order-2-rank-16": "Order 2, rank 16"}


def test_variants_that_would_be_called_the_same_keep_their_names(variant: Variant) -> None:
    made = titles([replace(variant, name=name) for name in ("deep-net", "deep_net", "other")])
    assert made == {"deep-net": "deep-net", "deep_net": "deep_net", "other": "Other"}
