from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.features.checkpoint import load_checkpoint
from crossspace.features.text.passages import Passage, Reader, passages

TURNS = [("Ann", "one"), ("Ben", " "), ("Ben", "two"), ("Ann", None), ("Cy", "three"), ("Ann", "four")]


def test_turns_without_a_text_count_nowhere() -> None:
    found = passages(TURNS, 2, 1)
    assert [p is None for p in found] == [False, True, False, True, False, False]
    assert found[4] == Passage("three", "Cy", (("Ann", "one"), ("Ben", "two")), (("Ann", "four"),))
    assert found[0] == Passage("one", "Ann", (), (("Ben", "two"),))


def test_what_is_said_one_by_one_is_read_as_in_the_whole() -> None:
    whole = passages(TURNS, 2, 0)
    past: list[tuple[str, str]] = []
    for turn, expected in zip(TURNS, whole, strict=True):
        (found,) = passages([turn], 2, 0, past)
        assert found == expected
        if found is not None:
            past.append((found.speaker, found.text))


def test_speakers_are_numbers_in_the_order_of_their_nearness() -> None:
    passage = Passage("x", "Ann", (("Cy", "a"), ("Ben", "b"), ("Ann", "c")), (("Dee", "d"),))
    assert passage.numbers == {"Ann": 1, "Ben": 2, "Cy": 3, "Dee": 4}
    renamed = Passage("x", "1", (("3", "a"), ("2", "b"), ("1", "c")), (("4", "d"),))
    assert renamed.content == passage.content
    assert Passage("x", "Ann", (("Cy", "a"),)).content != Passage("x", "Ann", (("Ann", "a"),)).content


@pytest.fixture(scope="module")
def tokenizer(folders: dict[str, Path]) -> object:
    return load_checkpoint(str(folders["text"]), "text").processor


def _text(tokenizer: object, ids: tuple[int, ...]) -> str:
    return "".join(tokenizer.convert_ids_to_tokens(ids)).replace("\u0120", " ")  # type: ignore[attr-defined]


def test_a_passage_is_written_turn_by_turn(tokenizer: object) -> None:
    passage = Passage("now", "Ann", (("Ben", "then"),), (("Ann", "later"),))
    (tokens,) = Reader(tokenizer, 60, True).read([passage])
    assert _text(tokenizer, tokens.ids) == "<s>2:then</s>1:now</s>1:later</s>"
    assert _text(tokenizer, tokens.ids[tokens.begin : tokens.end]) == "now"
    (alone,) = Reader(tokenizer, 60, False).read([Passage("now", "Ann")])
    assert _text(tokenizer, alone.ids) == "<s>now</s>"


def test_the_utterance_comes_first_and_then_what_stands_nearest(tokenizer: object) -> None:
    passage = Passage("now", "Ann", (("Ben", "long ago"), ("Ben", "then")))
    (tokens,) = Reader(tokenizer, 20, True).read([passage])
    assert len(tokens.ids) == 20
    # Of the turn that does not fit whole, the part next to the utterance.
    assert _text(tokenizer, tokens.ids) == "<s>g ago</s>2:then</s>1:now</s>"
    assert not tokens.is_cut
    (cut,) = Reader(tokenizer, 12, True).read([Passage("a long utterance", "Ann", (("Ben", "then"),))])
    assert cut.is_cut
    assert _text(tokenizer, cut.ids) == "<s>1:a long u</s>"
