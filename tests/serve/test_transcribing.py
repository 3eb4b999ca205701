"""A server that transcribes what comes without a transcript."""

from __future__ import annotations

import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import UsageError
from crossspace.features.extraction.conversation import Extracted
from crossspace.features.speech.transcribing import Transcribing
from crossspace.serve import analyze as endpoint
from crossspace.serve.extracting import extract_media, prepare


def test_the_model_says_what_transcribes(analyzer, open_client):
    analyzer.transcribing = Transcribing("whisper:/home/somebody/models/tiny.en")
    response = open_client().get("/v1/model")
    assert response.json()["transcribes"] == "whisper" and "/home" not in response.text


def test_the_worker_is_told_how_to_transcribe_a_recording_alone(analyzer, open_client, sound, monkeypatch):
    asked = []

    def extract(recording, wanted, transcribing, said):
        asked.append((recording.transcript, transcribing))
        return Extracted(Conversation("c", (Utterance("u", "speaker 1", "joy", recognised={"text": 0.5}),)))

    monkeypatch.setattr(endpoint, "extract_media", extract)
    given = analyzer.analyze

    def analyze(media, transcript, *, extract, **options):
        from crossspace.features.sources import Recording

        extract(Recording("c", transcript, media))
        return given(media, transcript, **options)

    analyzer.analyze, analyzer.transcribing = analyze, Transcribing("whisper:tiny", 2)
    answer = open_client().post("/v1/analyze", files={"media": ("talk.wav", sound(1.0))})
    assert answer.status_code == 200, answer.text
    assert asked == [(None, Transcribing("whisper:tiny", 2))]
    assert answer.json()["utterances"][0]["recognised"] == {}


def test_what_was_recognised_stays_marked_when_an_answer_is_posted_again(open_client, analyzer):
    said = {"speaker": "speaker 1", "text": "joy", "recognised": {"text": 0.5, "speaker": 0.75}}
    seen = []
    given = analyzer.analyze_conversation
    analyzer.analyze_conversation = lambda c, notes=(): (seen.append(c), given(c, notes))[1]
    answer = open_client().post("/v1/predict", json={"utterances": [said]})
    assert answer.status_code == 200 and seen[0].utterances[0].recognised == {"text": 0.5, "speaker": 0.75}
    wrong = {**said, "recognised": {"text": 2}}
    assert open_client().post("/v1/predict", json={"utterances": [wrong]}).status_code == 422


def test_a_server_without_its_recogniser_does_not_begin():
    with pytest.raises(UsageError, match="no recogniser 'wisper'"):
        prepare({}, Transcribing("wisper:x"), lambda stage: None)
    prepare({}, None, lambda stage: None)


def test_a_worker_keeps_one_set_of_extractors(monkeypatch, tmp_path):
    from crossspace.serve import extracting

    monkeypatch.setattr(extracting, "_built", {})
    for _ in range(2):
        prepare({}, None, lambda stage: None)
    (only,) = extracting._built.values()
    with pytest.raises(UsageError):
        prepare({}, Transcribing("wisper:x"), lambda stage: None)
    assert only not in extracting._built.values() and len(extracting._built) == 1
    assert extract_media is endpoint.extract_media
