from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extraction.utterance_ids import ids_of, with_unique_ids
from crossspace.features.sources import Recording
from crossspace.transcripts import Cue, Transcript


def conversation(name: str, *ids: str) -> Conversation:
    return Conversation(name, tuple(Utterance(own, "Ann") for own in ids))


def names(*conversations: Conversation) -> list[list[str]]:
    return [[u.id for u in c.utterances] for c in with_unique_ids(conversations)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["6", "19"], ["6", "19"]),
        (["Ses01F_000", "Ses01F_001"], ["Ses01F_000", "Ses01F_001"]),
        ([None, None], ["talk_0", "talk_1"]),
        (["a", None], ["talk_0", "talk_1"]),
        (["a", "a"], ["talk_0", "talk_1"]),
    ],
)
def test_ids_of_the_source_stay_where_each_utterance_has_its_own(given: list[str | None], found: list[str]) -> None:
    assert ids_of("talk", [Cue("x", id=own) for own in given]) == found


def test_ids_that_differ_in_the_whole_corpus_stay_as_they_are() -> None:
    assert names(conversation("a", "x1", "x2"), conversation("b", "7", "x3")) == [["x1", "x2"], ["7", "x3"]]


def test_ids_that_are_counted_anew_are_preceded_by_their_conversation() -> None:
    assert names(conversation("169", "6", "19"), conversation("170", "6")) == [["169_6", "169_19"], ["170_6"]]
    assert names(conversation("169", "6", "19")) == [["169_6", "169_19"]]
    assert names(conversation("a", "0"), conversation("b", "b_0"), conversation("c", "0")) == [
        ["a_0"],
        ["b_0"],
        ["c_0"],
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("talk.csv", 'utterance_id,speaker,text\nu7,Ann,Well,  then.\nu3,Ben,"  No,\tno. "\n'.replace("Well,", "Well")),
        ("talk.json", '[{"id": "u7", "text": "Well  then."}, {"id": "u3", "text": "  No,\\tno. "}]'),
    ],
)
def test_a_transcript_with_ids_keeps_them_and_its_texts(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    found = Extraction({}).run(Recording("talk", tmp_path / name)).conversation
    assert [(u.id, u.text) for u in found.utterances] == [("u7", "Well  then."), ("u3", "  No,\tno. ")]


def test_a_transcript_without_ids_is_numbered() -> None:
    found = Extraction({}).run(Recording("talk", Transcript((Cue("x"), Cue("y"))))).conversation
    assert [u.id for u in found.utterances] == ["talk_0", "talk_1"]
