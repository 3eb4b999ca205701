from __future__ import annotations

import threading

import pytest

from crossspace.serve.look import look_at_conversation
from crossspace.serve.schemas import AnalysisAnswer

TALK = {"id": "talk", "utterances": [{"speaker": "ANN", "text": "joy"}, {"speaker": "BEN", "text": "no", "start": 1.5}]}


def message(response) -> str:
    assert set(response.json()) == {"error"}
    return response.json()["error"]["message"]


def test_a_conversation_gives_the_documented_answer(client):
    response = client.post("/v1/predict", json=TALK)
    assert response.status_code == 200
    answer = AnalysisAnswer.model_validate(response.json())
    assert [u.label for u in answer.utterances] == ["joy", "anger"] and answer.utterances[1].start == 1.5
    assert answer.conversation_id == "talk" and answer.speakers == ["ANN", "BEN"]


def test_an_answer_can_be_posted_again(client):
    first = client.post("/v1/predict", json=TALK).json()
    again = client.post("/v1/predict", json={"id": "talk", "utterances": first["utterances"]})
    assert again.json() == first


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "JSON"),
        (b"{", 400, "JSON"),
        (b"\xff\xfe", 400, "JSON"),
        (b"[" * 100_000, 400, "JSON"),
        (b"[]", 422, "object"),
        (b"{}", 422, "utterances"),
        (b'{"utterances": []}', 422, "at least 1"),
        (b'{"utterances": [1]}', 422, "utterances.0"),
        (b'{"utterances": [{"text": "a", "start": -1}]}', 422, "utterances.0.start"),
        (b'{"utterances": [{"text": "a", "start": NaN}]}', 422, "utterances.0.start"),
        (b'{"utterances": [{"text": "a", "start": 2, "end": 1}]}', 422, "end should not be before start"),
        (b'{"utterances": [{"text": "a", "end": 1e308}]}', 422, "utterances.0.end"),
        (b'{"utterances": [{"text": "a", "speeker": "B"}]}', 422, "no key 'speeker'"),
        (b'{"utterances": [{"text": ["a"]}]}', 422, "utterances.0.text"),
        (b'{"utterances": [{"features": {"text": [[1]]}}]}', 422, "features"),
        (b'{"utterances": [{"features": {"text": [NaN]}}]}', 422, "finite"),
        (b'{"utterances": [{"features": {"text": [1e300]}}]}', 422, "finite"),
        (b'{"utterances": [{"text": "bad"}]}', 422, "should be good"),
    ],
)
def test_what_is_no_conversation_is_refused(client, content, status, words):
    response = client.post("/v1/predict", content=content, headers={"content-type": "application/json"})
    assert response.status_code == status and words in message(response)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_content_of_another_type_is_refused(client, kind):
    response = client.post("/v1/predict", content=b'{"utterances": [{"text": "a"}]}', headers={"content-type": kind})
    assert response.status_code == 415


def test_text_that_unicode_cannot_carry_does_no_harm(client):
    body = b'{"utterances": [{"text": "joy \\ud800", "speaker": "\\udfff"}]}'
    response = client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 400) and response.json()


def test_limits_of_bytes_utterances_and_characters_hold(open_client):
    client = open_client(max_conversation=5000, max_utterances=3, max_characters=50)
    fine = {"utterances": [{"text": "a" * 25}, {"text": "b" * 25}, {"speaker": "ANN"}]}
    assert client.post("/v1/predict", json=fine).status_code == 200
    assert client.post("/v1/predict", json={"utterances": [{}] * 4}).status_code == 413
    assert client.post("/v1/predict", json={"utterances": [{"text": "a" * 51}]}).status_code == 413
    assert client.post("/v1/predict", json={"utterances": [{"x": "a" * 5000}]}).status_code == 413


@pytest.mark.parametrize(("item", "status"), [("{},", 413), ("1,", 422), ('{"x":1},', 413), ("[[1]],", 413)])
def test_millions_of_parts_are_refused_before_each_is_looked_at(client, item, status):
    body = '{"utterances": [' + item * 1_100_000 + "{}]}"
    response = client.post("/v1/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code == status and len(message(response)) < 1000


def test_a_large_conversation_is_read_by_the_worker(client, monkeypatch):
    worker, asked = client.app.state.crossspace.looker, []
    call = worker.call
    monkeypatch.setattr(worker, "call", lambda what, *given, said: asked.append(what) or call(what, *given, said=said))
    assert client.post("/v1/predict", json=TALK).status_code == 200 and asked == []
    large = {"utterances": [{"text": "joy " * 100}] * 100}
    assert client.post("/v1/predict", json=large).status_code == 200
    assert asked == [look_at_conversation]
    broken = client.post("/v1/predict", content=b"{" * 40_000, headers={"content-type": "application/json"})
    assert broken.status_code == 400


def test_a_full_queue_answers_429(open_client, analyzer):
    client = open_client(max_queue=1)
    analyzer.posted_gate = threading.Event()
    working = threading.Thread(target=client.post, args=("/v1/predict",), kwargs={"json": TALK})
    working.start()
    assert analyzer.began.wait(90)
    refused = client.post("/v1/predict", json=TALK)
    analyzer.posted_gate.set()
    working.join()
    assert refused.status_code == 429 and refused.headers["retry-after"]
