from __future__ import annotations

import threading

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from crossspace.serve.schemas import UtteranceAnswer

LIVE = "ws://127.0.0.1:8000/v1/live"


def test_every_utterance_is_answered_in_order(client):
    with client.websocket_connect(LIVE) as socket:
        for number, (text, label) in enumerate([("joy", "joy"), ("no", "anger"), ("joy again", "joy")]):
            socket.send_json({"speaker": "ANN", "text": text})
            answer = UtteranceAnswer.model_validate(socket.receive_json())
            assert (answer.id, answer.label, answer.text) == (f"live_{number}", label, text)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("", "JSON"),
        ("[]", "object"),
        ('{"end": 5e999}', "end"),
        ("{}", "text or features"),
        ('{"text": null}', "text or features"),
        ('{"text": "bad"}', "good"),
        ('{"start": "soon"}', "start"),
    ],
)
def test_a_bad_message_is_answered_by_an_error_and_the_conversation_goes_on(client, sent, words):
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(sent)
        assert words in socket.receive_json()["error"]["message"]
        socket.send_bytes(b"\0")
        assert "text" in socket.receive_json()["error"]["message"]
        socket.send_json({"text": "joy"})
        assert socket.receive_json()["id"] == "live_0"


def test_limits_of_messages_and_conversations_hold(open_client):
    client = open_client(max_message=100, max_utterances=2, live_rate=1000)
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"text": "a" * 100})
        assert "100 characters" in socket.receive_json()["error"]["message"]
        for _ in range(2):
            socket.send_json({"text": "joy"})
            assert socket.receive_json()["label"] == "joy"
        socket.send_json({"text": "joy"})
        assert "2 utterances" in socket.receive_json()["error"]["message"]


def test_silence_ends_a_conversation_and_says_so(open_client):
    with open_client(live_idle=0.05).websocket_connect(LIVE) as socket:
        assert "Nothing was said" in socket.receive_json()["error"]["message"]
        with pytest.raises(WebSocketDisconnect) as end:
            socket.receive_json()
    assert end.value.code == 1000 and "Nothing" in end.value.reason


def test_one_conversation_too_many_is_told_to_come_later(open_client):
    client = open_client(max_live=1)
    with client.websocket_connect(LIVE) as first:
        first.send_json({"text": "joy"})
        first.receive_json()
        assert client.get("/v1/health").json()["queue"]["live"] == {"inside": 1, "limit": 1}
        with client.websocket_connect(LIVE) as second:
            assert "1 live conversations" in second.receive_json()["error"]["message"]
            with pytest.raises(WebSocketDisconnect) as end:
                second.receive_json()
        assert end.value.code == 1013
    with client.websocket_connect(LIVE) as third:
        third.send_json({"text": "joy"})
        assert third.receive_json()["label"] == "joy"


def test_a_recording_that_is_worked_on_does_not_hold_up_live_conversations(client, analyzer):
    analyzer.gate = threading.Event()
    files = {"transcript": ("a.txt", b"ANN: joy")}
    working = threading.Thread(target=client.post, args=("/v1/analyze",), kwargs={"files": files})
    working.start()
    assert analyzer.began.wait(90)
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"text": "joy"})
        assert socket.receive_json()["label"] == "joy"
    analyzer.gate.set()
    working.join()


def test_a_message_that_took_too_long_has_left_no_trace(open_client, analyzer, allow_time):
    client = open_client(timeout=0.2)
    analyzer.live_gate = threading.Event()
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"text": "joy, too late"})
        assert "0 seconds" in socket.receive_json()["error"]["message"]
        allow_time(client)
        analyzer.live_gate.set()
        for number in range(2):
            socket.send_json({"text": "joy"})
            answer = socket.receive_json()
            assert (answer["id"], answer["missing"]) == (f"live_{number}", {"audio": f"{number} before"})


def test_a_message_for_which_there_is_no_place_has_left_no_trace(open_client, analyzer):
    client = open_client(max_live=1)
    state = client.app.state.crossspace
    with client.websocket_connect(LIVE) as socket:
        with state.live.place():
            socket.send_json({"text": "joy"})
            assert "busy" in socket.receive_json()["error"]["message"]
        socket.send_json({"text": "joy"})
        answer = socket.receive_json()
        assert (answer["id"], answer["missing"]) == ("live_0", {"audio": "0 before"})


def test_an_error_that_nobody_foresaw_ends_the_conversation_and_says_so(client):
    with pytest.raises(ZeroDivisionError), client.websocket_connect(LIVE) as socket:  # noqa: PT012
        socket.send_json({"text": "broken"})
        assert "went wrong" in socket.receive_json()["error"]["message"]
        with pytest.raises(WebSocketDisconnect) as end:
            socket.receive_json()
        assert end.value.code == 1011


def test_a_token_is_shown_by_header_or_as_browsers_can(open_client):
    client = open_client(token="s3cret")
    with client.websocket_connect(LIVE, subprotocols=["bearer", "s3cret"]) as socket:
        assert socket.accepted_subprotocol == "bearer"
    with client.websocket_connect(LIVE, headers={"Authorization": "Bearer s3cret"}) as socket:
        assert socket.accepted_subprotocol is None
    for wrong in ([], ["bearer"], ["bearer", "other"], ["s3cret"]):
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            client.websocket_connect(LIVE, subprotocols=wrong),
        ):
            pass
        assert refused.value.status_code == 401


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_other_sites_cannot_listen(client, headers):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LIVE, headers=headers) as socket:
        socket.receive_json()
