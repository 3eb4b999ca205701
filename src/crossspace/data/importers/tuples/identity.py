"""Which published corpus features are of, as far as the values prove it; nothing is concluded from a length."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

_IEMOCAP_NAME = re.compile(r"Ses\d")


@dataclass(frozen=True)
class PublishedCorpus:
    """What a file of a published corpus does not say of itself.

    Attributes:
        name: of the corpus.
        labels: in the order in which the field numbers them.
        speakers: as a task states them.
        sign: by what it is known, for messages.
        fits: whether conversations, speakers and label numbers prove that it is this one.
    """

    name: str
    labels: tuple[str, ...]
    speakers: int | tuple[str, ...]
    sign: str
    fits: Callable[[Collection[str], Collection[str], Collection[int]], bool]


def _is_iemocap(conversations: Collection[str], speakers: Collection[str], labels: Collection[int]) -> bool:
    return (
        all(_IEMOCAP_NAME.match(name) for name in conversations)
        and set(speakers) == {"M", "F"}
        and set(labels) - {-1, -100} == set(range(6))
    )


def _is_meld(conversations: Collection[str], speakers: Collection[str], labels: Collection[int]) -> bool:
    return (
        all(name.isdecimal() for name in conversations)
        and all(re.fullmatch(r"s\d of 9", name) for name in speakers)
        and set(labels) - {-1, -100} == set(range(7))
    )


PUBLISHED = {
    "iemocap": PublishedCorpus(
        "IEMOCAP",
        ("happy", "sad", "neutral", "angry", "excited", "frustrated"),
        ("M", "F"),
        "conversations are called Ses.., speakers are M and F, labels are 0 to 5, each of which occurs",
        _is_iemocap,
    ),
    "meld": PublishedCorpus(
        "MELD",
        ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"),
        9,
        "conversations are numbers, speakers are rows of nine with a single 1, labels are 0 to 6, each of which occurs",
        _is_meld,
    ),
}


def identify(
    conversations: Collection[str], speakers: Collection[str], labels: Collection[int]
) -> PublishedCorpus | None:
    """The published corpus that these values prove, if any.

    Args:
        conversations: their names.
        speakers: their names; a one-hot row of width ``w`` with its 1 at place ``i`` is called ``s<i> of <w>``.
        labels: the numbers that occur.
    """
    # Values that fit two corpora prove neither, and values of no conversation prove nothing.
    fitting = [known for known in PUBLISHED.values() if known.fits(conversations, speakers, labels)]
    return fitting[0] if len(fitting) == 1 and conversations else None
