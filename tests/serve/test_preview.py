"""What a transcript is understood as."""

from __future__ import annotations

import pytest

VTT = (
    b"WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ann>Late again.\n\n00:03.000 --> 00:04.000\n[door slams]\n\n"
    b"00:05.000 --> 00:06.000\n<v Ben>Sorry.\n\n00:07.000 --> 00:09.000\n<v Ann>Fine.\n"
)


def shown(client, content, name="talk.vtt"):
    return client.post("/v1/transcript", files={"transcript": (name, content)})


def test_format_speakers_times_first_words_and_sounds_are_told(client, uploads):
    answer = shown(client, VTT).json()
    assert (answer["format"], answer["utterances"], answer["timed"]) == ("WebVTT", 3, 3)
    assert (answer["start"], answer["end"]) == (1.0, 9.0)
    assert answer["speakers"] == [
        {"name": "Ann", "utterances": 2, "seconds": 3.5},
        {"name": "Ben", "utterances": 1, "seconds": 1.0},
    ]
    assert [cue["text"] for cue in answer["first"]] == ["Late again.", "Sorry.", "Fine."]
    assert answer["sound_count"] == 1 and answer["sounds"][0]["start"] == 3.0
    assert any("sounds" in note for note in answer["notes"])
    assert len(uploads()) == 1


def test_a_transcript_without_times_says_so(client):
    answer = shown(client, b"ANN: Late.\nBEN: Sorry.").json()
    assert (answer["timed"], answer["start"], answer["end"]) == (0, None, None)
    assert [speaker["seconds"] for speaker in answer["speakers"]] == [None, None]


def test_many_speakers_and_long_texts_are_cut_and_counted(client):
    lines = "".join(f"S{i}: {'word ' * 300}\n" for i in range(40))
    answer = shown(client, lines.encode()).json()
    assert answer["speaker_count"] == 40 and len(answer["speakers"]) == 20
    assert len(answer["first"]) == 12 and {len(cue["text"]) for cue in answer["first"]} == {500}


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"%PDF-1.7\n\x00\x01", 422, "The transcript"),
        (b"", 422, "The transcript is empty."),
        (b"x" * 2001, 413, "2,000 bytes"),
        (b"A: one\nB: two\nA: three\nB: four", 413, "3 utterances"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(open_client, uploads, content, status, words):
    response = shown(open_client(max_transcript=2000, max_utterances=3), content)
    assert response.status_code == status and words in response.json()["error"]["message"]
    assert str(uploads()[0]) not in response.text and len(uploads()) == 1


def test_a_meeting_of_two_thousand_utterances_passes_by_default(client):
    talk = "".join(
        f"{['Ann', 'Ben', 'Zoe', 'Max'][i % 4]}: This is what we say in minute {i // 22}.\n" for i in range(2000)
    )
    assert shown(client, talk.encode(), "talk.txt").json()["utterances"] == 2000
    analyzed = client.post("/v1/analyze", files={"transcript": ("talk.txt", talk.encode())})
    assert len(analyzed.json()["utterances"]) == 2000
    assert client.post("/v1/export?format=csv", json=analyzed.json()).text.count("\n") == 2001
    limits = client.get("/v1/model").json()["limits"]
    assert limits["max_duration"] >= 90 * 60 and limits["timeout"] >= 1200


def test_a_recording_is_no_transcript(client, second):
    response = client.post("/v1/transcript", files={"media": ("a.wav", second)})
    assert response.status_code == 400
    assert 'Send multipart/form-data with the file "transcript".' in response.json()["error"]["message"]


def test_the_queue_of_those_that_are_analyzed_is_not_asked(open_client, analyzer):
    client = open_client(max_queue=1)
    with client.app.state.crossspace.recordings.place():
        assert shown(client, VTT).status_code == 200


def test_the_token_is_wanted(open_client):
    assert shown(open_client(token="sesame"), VTT).status_code == 401
