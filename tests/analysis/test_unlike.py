from __future__ import annotations

import re

import pytest

from crossspace.analysis.unlike import unlike_note
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.sizes import training_sizes
from crossspace.data.task import TaskSpec

SIZES = {"utterances": 10, "speakers": 3, "words": 20}


def talk(count: int = 4, speakers: int = 2, words: int = 5) -> Conversation:
    said = [Utterance(str(i), f"S{i % speakers}", "word " * words) for i in range(count)]
    return Conversation("talk", tuple(said))


def test_a_conversation_like_the_others_gets_no_note() -> None:
    assert unlike_note(talk(), SIZES) is None
    assert unlike_note(talk(20, 6, 40), SIZES) is None
    assert unlike_note(talk(count=2, speakers=1), SIZES) is None


@pytest.mark.parametrize(
    ("conversation", "said"),
    [
        (talk(count=21), r"21 utterances \(at most 10\)"),
        (talk(count=14, speakers=7), r"7 speakers \(at most 3\)"),
        (talk(speakers=1), "one speaker only"),
        (talk(words=41), "4 utterances of more than 40 words"),
    ],
)
def test_what_is_unlike_is_named(conversation: Conversation, said: str) -> None:
    note = unlike_note(conversation, SIZES)
    assert note is not None
    assert re.search(said, note)


def test_a_model_that_does_not_know_says_nothing() -> None:
    assert unlike_note(talk(500, 1, 90), {}) is None


def test_sizes_are_those_of_the_training_conversations() -> None:
    said = [tuple(Utterance(f"{i}-{k}", "AB"[k % 2], "one two", label="x") for k in range(3)) for i in range(3)]
    short = [Conversation(f"a{i}", utterances) for i, utterances in enumerate(said)]
    crowd = Conversation("b", tuple(Utterance(f"b{k}", f"S{k}", "one " * (k + 1), label="x") for k in range(5)))
    corpus = Corpus({"train": [*short, crowd], "test": [talk(30, 9, 50)]}, TaskSpec(("x", "y"), {"text": 1}))
    assert training_sizes(corpus) == {"utterances": 5, "speakers": 5, "words": 5}
