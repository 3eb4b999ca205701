"""The server with a real, small model: what it answers is what the library answers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from crossspace.analysis.analyzer import Analyzer
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.task import TaskSpec
from crossspace.features.extractors.base import TextExtractor
from crossspace.models.css import CSS
from crossspace.predict import Predictor
from crossspace.serve.app import create_app
from crossspace.serve.settings import Settings

SAID = [("ANN", "You forgot the milk!"), ("BEN", "I am sorry."), ("ANN", "Never mind.")]


class Digest(TextExtractor):
    """Six numbers that depend on the text."""

    name, licence, width, version = "digest", "none", 6, "1"
    parameters: dict[str, Any] = {}  # noqa: RUF012

    def extract(self, items: Sequence[str]) -> list[Any]:
        return [np.random.default_rng(zlib.crc32(t.encode())).normal(size=6).astype(np.float32) for t in items]


@pytest.fixture
def model() -> Analyzer:
    torch.manual_seed(0)
    css = CSS(
        TaskSpec(("joy", "anger"), {"text": 6}, speakers=2),
        width=8,
        heads=2,
        fusion={"order": 2, "rank": 4},
        causal=True,
    )
    return Analyzer(Predictor(css, "talk"), {"text": Digest()})


@pytest.fixture
def served(model, uploads):
    with TestClient(create_app(model, Settings()), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
def expected(model) -> list[dict[str, float]]:
    said = tuple(Utterance(f"u{i}", who, text) for i, (who, text) in enumerate(SAID))
    return [dict(u.probabilities) for u in model.analyze_conversation(Conversation("c", said)).utterances]


def test_posted_uploaded_and_live_conversations_get_the_numbers_of_the_library(served, expected):
    posted = served.post("/v1/predict", json={"utterances": [{"speaker": who, "text": text} for who, text in SAID]})
    lines = "\n".join(f"{who}: {text}" for who, text in SAID)
    uploaded = served.post("/v1/analyze", files={"transcript": ("talk.txt", lines.encode())})
    live = []
    with served.websocket_connect("ws://127.0.0.1:8000/v1/live") as socket:
        for who, text in SAID:
            socket.send_json({"speaker": who, "text": text})
            live.append(socket.receive_json())
    for answer in (posted.json()["utterances"], uploaded.json()["utterances"], live):
        assert [u["text"] for u in answer] == [text for _, text in SAID]
        for found, wanted in zip(answer, expected, strict=True):
            assert found["probabilities"] == pytest.approx(wanted, abs=1e-5)


def test_features_are_used_as_given_and_of_another_width_refused(served, expected):
    vectors = [[float(x) for x in v] for v in Digest().extract([text for _, text in SAID])]
    said = [{"speaker": who, "features": {"text": v}} for (who, _), v in zip(SAID, vectors, strict=True)]
    answer = served.post("/v1/predict", json={"utterances": said})
    for found, wanted in zip(answer.json()["utterances"], expected, strict=True):
        assert found["probabilities"] == pytest.approx(wanted, abs=1e-5)
    wrong = served.post("/v1/predict", json={"utterances": [{"speaker": "ANN", "features": {"text": [1.0, 2.0]}}]})
    assert wrong.status_code == 422 and "6" in wrong.json()["error"]["message"]


def test_a_conversation_without_anything_the_model_uses_is_refused(served, second):
    assert served.post("/v1/predict", json={"utterances": [{"speaker": "ANN"}]}).status_code == 422
    response = served.post("/v1/analyze", files={"media": ("talk.wav", second)})
    assert response.status_code == 422 and "transcript" in response.json()["error"]["message"]


def test_a_live_message_of_another_width_does_no_harm(served):
    with served.websocket_connect("ws://127.0.0.1:8000/v1/live") as socket:
        socket.send_json({"features": {"text": [1.0]}})
        assert socket.receive_json()["error"]["message"]
        socket.send_json({"text": SAID[0][1]})
        assert socket.receive_json()["id"] == "live_0"


def test_the_model_says_what_it_is(served):
    answer = served.get("/v1/model").json()
    assert (answer["kind"], answer["causal"], answer["in_the_box"], answer["name"]) == ("css", True, False, "talk")
    assert answer["extractors"] == {"text": {"name": "digest", "version": "1", "parameters": {}}}
