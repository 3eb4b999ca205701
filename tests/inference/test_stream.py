"""A conversation predicted while it goes on equals the conversation predicted at its end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from crossspace import Conversation, Predictor, TaskSpec, Utterance
from crossspace.errors import MismatchError, UsageError
from crossspace.models import MODELS
from crossspace.nn import attention
from tests.models.small import small

CAUSAL = [name for name, kind in MODELS.items() if kind.causal or "causal" in inspect.signature(kind).parameters]
Talk = Callable[..., Conversation]


@pytest.fixture
def make_predictor(task: TaskSpec) -> Callable[..., Predictor]:
    def build(name: str = "css", **arguments: object) -> Predictor:
        torch.manual_seed(0)
        return Predictor(small(MODELS[name], task, **arguments))

    return build


@pytest.fixture
def talk(task: TaskSpec) -> Talk:
    """A conversation of random features; whatever is missing, the first utterance has every modality."""

    def build(length: int = 14, missing: float = 0.3, speakers: str = "ABCD") -> Conversation:
        random = np.random.default_rng(0)
        said = []
        for i in range(length):
            features = {m: random.normal(size=d).astype(np.float32) for m, d in task.widths.items()}
            kept = {m: x for m, x in features.items() if i == 0 or random.random() >= missing}
            said.append(Utterance(f"u{i}", speakers[random.integers(len(speakers))], features=kept))
        return Conversation("talk", tuple(said))

    return build


def same(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert list(one) == list(other)
        assert one["utterance_id"] == other["utterance_id"] and one["label"] == other["label"]
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)
        assert one["contributions"] == pytest.approx(other["contributions"], abs=1e-5)
        assert one["unimodal"].keys() == other["unimodal"].keys()
        for m, alone in one["unimodal"].items():
            assert alone == pytest.approx(other["unimodal"][m], abs=1e-5)


@pytest.mark.parametrize("much", [0, attention._MUCH])
@pytest.mark.parametrize("name", CAUSAL)
def test_a_stream_of_a_causal_model_equals_the_prediction_of_the_whole(
    name: str, much: int, make_predictor: Callable[..., Predictor], talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "_MUCH", much)
    predictor, conversation = make_predictor(name, causal=True), talk()
    expected = predictor.predict(conversation)
    stream = predictor.stream()
    assert predictor.causal and stream.causal
    same([stream.push(u) for u in conversation.utterances], expected)
    assert len(stream) == 14
    stream.reset()
    said = conversation.utterances
    assert len(stream) == 0 and stream.extend([]) == []
    same([*stream.extend(said[:5]), stream.push(said[5]), *stream.extend(said[6:])], expected)


def test_every_utterance_is_read_once(make_predictor: Callable[..., Predictor], talk: Talk) -> None:
    predictor = make_predictor(causal=True)
    rows = []
    predictor.model.projection["text"].register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    for contributions, times in ((True, 8), (False, 1)):
        rows.clear()
        stream = predictor.stream(contributions=contributions)
        for utterance in talk().utterances:
            stream.push(utterance)
        assert rows == [times] * 14


def test_a_long_stream_and_one_modality(make_predictor: Callable[..., Predictor]) -> None:
    task = TaskSpec(("yes", "no"), {"text": 3}, speakers=3)
    predictor = Predictor(MODELS["css"](task, width=8, heads=2, fusion={"order": 2, "rank": 2}, causal=True))
    random = np.random.default_rng(1)
    said = [
        Utterance(str(i), "AB"[i % 2], features={"text": random.normal(size=3).astype(np.float32)}) for i in range(600)
    ]
    stream = predictor.stream()
    same([stream.push(u) for u in said], predictor.predict(Conversation("long", tuple(said))))


def test_a_modality_contributes_from_its_first_utterance_on(
    make_predictor: Callable[..., Predictor], talk: Talk
) -> None:
    predictor, said = make_predictor(causal=True), list(talk(missing=0.0).utterances)
    for i, absent in enumerate([{"audio", "visual"}, {"visual"}, {"visual"}]):
        said[i] = replace(said[i], features={m: x for m, x in said[i].features.items() if m not in absent})
    stream = predictor.stream()
    found = [stream.push(u)["contributions"] for u in said]
    assert [list(x) for x in found[:4]] == [
        ["text"],
        ["text", "audio"],
        ["text", "audio"],
        ["text", "audio", "visual"],
    ]
    for part, whole in zip(found, predictor.predict(Conversation("c", tuple(said))), strict=True):
        for m, x in whole["contributions"].items():
            assert part.get(m, 0.0) == pytest.approx(x, abs=1e-6)


def test_nothing_to_see_is_still_a_turn(make_predictor: Callable[..., Predictor], talk: Talk) -> None:
    predictor = make_predictor(causal=True)
    silent = tuple(replace(u, features={}) for u in talk().utterances[:3])
    stream = predictor.stream()
    same([stream.push(u) for u in silent], predictor.predict(Conversation("silent", silent)))


def test_without_contributions_the_rest_stays(make_predictor: Callable[..., Predictor], talk: Talk) -> None:
    for causal in (True, False):
        predictor = make_predictor(causal=causal)
        rich, plain = predictor.stream(), predictor.stream(contributions=False)
        for utterance in talk().utterances:
            same([plain.push(utterance)], [{**rich.push(utterance), "contributions": {}}])


def test_streams_of_one_model_and_a_prediction_between_do_not_mix(
    make_predictor: Callable[..., Predictor], talk: Talk
) -> None:
    predictor, conversation = make_predictor("dialoguernn", causal=True), talk()
    first, second = predictor.stream(), predictor.stream()
    expected = predictor.predict(conversation)
    found = []
    for i, utterance in enumerate(conversation.utterances):
        found.append(first.push(utterance))
        second.push(conversation.utterances[-1 - i])
        predictor.predict(talk(3))
    same(found, expected)


@pytest.mark.parametrize("name", MODELS)
def test_any_other_model_reads_a_window_again_with_the_speakers_of_the_whole(name: str, talk: Talk) -> None:
    said = talk(9).utterances
    met = tuple(dict.fromkeys(u.speaker for u in said))
    widths = {m: len(x) for m, x in said[0].features.items()}
    torch.manual_seed(0)
    local = Predictor(small(MODELS[name], TaskSpec(("a", "b"), widths, len(met)), causal=False))
    named = Predictor(small(MODELS[name], TaskSpec(("a", "b"), widths, met), causal=False))
    named.model.load_state_dict(local.model.state_dict())
    if local.causal:
        pytest.skip("reads every utterance once")
    stream = local.stream(window=4)
    expected = [named.predict(Conversation("w", said[max(0, i - 3) : i + 1]))[-1] for i in range(len(said))]
    # A modality that the window lacks, and the conversation had, adds nothing.
    there = [dict.fromkeys(widths, 0.0) | one["contributions"] for one in expected]
    same(
        [*stream.extend(said[:3]), *(stream.push(u) for u in said[3:])],
        [{**one, "contributions": found} for one, found in zip(expected, there, strict=True)],
    )
    assert len(stream) == len(said)


def test_where_the_window_holds_the_conversation_its_last_record_is_that_of_the_whole(
    make_predictor: Callable[..., Predictor], talk: Talk
) -> None:
    predictor, said = make_predictor(), talk().utterances
    stream = predictor.stream()
    assert not predictor.causal and not stream.causal
    for i, utterance in enumerate(said):
        same([stream.push(utterance)], predictor.predict(Conversation("so far", said[: i + 1]))[-1:])


# Where a window is read again, nothing of the model has a past that could stay.
@pytest.mark.parametrize(("name", "causal"), [*((name, True) for name in CAUSAL), ("css", False)])
def test_a_stream_goes_back_to_a_mark_as_if_nothing_had_been_pushed_since(
    name: str, causal: bool, make_predictor: Callable[..., Predictor], talk: Talk
) -> None:
    predictor, said = make_predictor(name, causal=causal), talk().utterances
    stream, untroubled = predictor.stream(window=4), predictor.stream(window=4)
    for utterance in said[:6]:
        mark = stream.mark()
        stream.extend([replace(utterance, speaker="Z"), *said[:2]])
        for _ in range(2):
            stream.rewind(mark)
            again = stream.push(utterance)
        same([again], [untroubled.push(utterance)])
        assert len(stream) == len(untroubled)


@pytest.mark.parametrize("causal", [True, False])
def test_an_error_on_the_way_through_the_model_leaves_no_trace(
    make_predictor: Callable[..., Predictor], talk: Talk, causal: bool
) -> None:
    predictor, said = make_predictor(causal=causal), talk().utterances
    stream, untroubled = predictor.stream(), predictor.stream()
    last = list(predictor.model.modules())[-1]
    for utterance in said[:5]:
        hook = last.register_forward_pre_hook(lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stream.extend([replace(utterance, speaker="Z"), utterance])
        hook.remove()
        same([stream.push(utterance)], [untroubled.push(utterance)])


@pytest.mark.parametrize("causal", [True, False])
def test_an_utterance_of_other_features_is_refused_and_not_taken_in(
    make_predictor: Callable[..., Predictor], talk: Talk, causal: bool
) -> None:
    predictor, said = make_predictor(causal=causal), talk().utterances
    stream, untroubled = predictor.stream(), predictor.stream()
    wrong = Utterance("wrong", "Z", features={"text": np.zeros(2, np.float32)})
    for utterance in said[:4]:
        with pytest.raises(MismatchError, match="'wrong'"):
            stream.push(wrong)
        same([stream.push(utterance)], [untroubled.push(utterance)])


def test_labels_do_not_matter(make_predictor: Callable[..., Predictor], talk: Talk) -> None:
    utterance = talk(1).utterances[0]
    predictor = make_predictor(causal=True)
    same([predictor.stream().push(replace(utterance, label="no label"))], [predictor.stream().push(utterance)])


def test_a_window_of_nothing_is_refused(make_predictor: Callable[..., Predictor]) -> None:
    with pytest.raises(UsageError, match="window"):
        make_predictor().stream(window=0)


def test_a_saved_causal_model_states_it(make_predictor: Callable[..., Predictor], tmp_path: Any) -> None:
    make_predictor(causal=True).model.save(tmp_path)
    again = Predictor.from_pretrained(tmp_path)
    assert again.causal and '"causal": true' in (tmp_path / "config.json").read_text()
