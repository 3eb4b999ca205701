from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossspace.data.conversation_json import conversation_from_dict, read_conversation
from crossspace.errors import DataError


def talk(*items: dict[str, Any]) -> dict[str, Any]:
    return {"utterances": list(items)}


@pytest.mark.parametrize("time", [-0.5, float("nan"), float("inf"), 36_000_001, 10**400, "1e999", "soon", True, [1]])
@pytest.mark.parametrize("key", ["start", "end"])
def test_a_time_that_cannot_be_names_its_utterance(key: str, time: Any) -> None:
    with pytest.raises(DataError, match=rf"utterance 1: '{key}' should be seconds from 0 to 36,000,000\. Found"):
        conversation_from_dict(talk({}, {key: time}))


def test_times_are_kept_as_seconds() -> None:
    (utterance,) = conversation_from_dict(talk({"start": 0, "end": "1.5"})).utterances
    assert (utterance.start, utterance.end) == (0.0, 1.5)


def test_an_id_that_occurs_twice_is_named() -> None:
    with pytest.raises(DataError, match="utterance 2: the id 'a' occurs twice"):
        conversation_from_dict(talk({"id": "a"}, {"id": "b"}, {"id": "a"}))


def test_an_id_that_is_null_is_made_up() -> None:
    found = conversation_from_dict({"id": None, **talk({"id": None}, {"id": None})})
    assert (found.id, [u.id for u in found.utterances]) == ("conversation", ["conversation_0", "conversation_1"])


@pytest.mark.parametrize("values", [[10**400], ["x"], [{}], 3, [1, [2]]])
def test_features_that_are_no_finite_numbers_name_their_modality(values: Any) -> None:
    with pytest.raises(DataError, match="utterance 0: text should be a list of finite numbers"):
        conversation_from_dict(talk({"features": {"text": values}}))


def test_features_that_are_no_object_are_told() -> None:
    with pytest.raises(DataError, match="utterance 0: 'features' should be an object, found list"):
        conversation_from_dict(talk({"features": [1]}))


@pytest.mark.parametrize(
    ("content", "message"),
    [("[" * 100_000, "it is nested too deeply"), ("[" + "9" * 5000 + "]", "a number with too many digits")],
)
def test_json_beyond_all_measure_is_refused_in_plain_words(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"Found damage: {message}\."):
        read_conversation(path)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"id": ["a"]}, "'id': text or an integer is expected, found a list of 1"),
        ({"speaker": {"name": "A"}}, "'speaker': text or an integer is expected"),
        ({"speaker": 1.5}, "'speaker': text or an integer is expected, found 1.5"),
        ({"speaker": False}, "'speaker': text or an integer is expected, found False"),
        ({"text": 5}, "'text' should be text. Found 5"),
        ({"features": {"text": ["1.5"]}}, "text should be a list of finite numbers; .* found '1.5' at place 0"),
        ({"features": {"text": [True]}}, "text should be a list of finite numbers; .* found True at place 0"),
        ({"features": {"text": [1], "t": [2]}}, "'features' names text twice, once as 't'"),
        ({"features": False}, "'features' should be an object, found bool"),
        ({"text": "half \ud800"}, "the text holds half a character of Unicode"),
    ],
)
def test_values_are_taken_as_they_are_or_refused(item: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"utterance 1: {message}"):
        conversation_from_dict(talk({}, item))


def test_numbers_as_names_are_kept() -> None:
    (utterance,) = conversation_from_dict(talk({"id": 7, "speaker": 0})).utterances
    assert (utterance.id, utterance.speaker) == ("7", "0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"utterances": [{"text": "\\ud800"}]}', "half a character of Unicode"),
        ('{"utterances": [{"speaker": "A", "speaker": "B"}]}', "the key 'speaker' twice"),
        ("\xff", "codec can't decode"),
    ],
)
def test_text_that_says_no_one_thing_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        read_conversation(path)


def test_what_was_recognised_is_read_and_nonsense_in_its_place_named() -> None:
    said = {"speaker": "a", "text": "hello", "recognised": {"text": 0.5, "speaker": 1}}
    (utterance,) = conversation_from_dict({"utterances": [said]}).utterances
    assert utterance.recognised == {"text": 0.5, "speaker": 1.0}
    for wrong in ([], {"text": 2}, {"text": True}, {"words": 0.5}, {"text": float("nan")}):
        with pytest.raises(DataError, match="'recognised' should hold numbers from 0 to 1"):
            conversation_from_dict({"utterances": [{**said, "recognised": wrong}]})
