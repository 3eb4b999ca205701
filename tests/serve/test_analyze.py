from __future__ import annotations

import threading
import time

import pytest

from crossspace.serve.schemas import AnalysisAnswer

TALK = ("talk.txt", b"ANN: joy\nBEN: no", "text/plain")


def message(response) -> str:
    assert set(response.json()) == {"error"}
    return response.json()["error"]["message"]


def test_transcript_and_recording_give_the_documented_answer(client, analyzer, second):
    response = client.post("/v1/analyze", files={"media": ("a.wav", second), "transcript": TALK})
    assert response.status_code == 200
    answer = AnalysisAnswer.model_validate(response.json())
    assert [u.label for u in answer.utterances] == ["joy", "anger"]
    assert answer.media.name == "a.wav" == answer.conversation_id


def test_nothing_is_left_of_an_upload(client, analyzer, uploads, second):
    client.post("/v1/analyze", files={"media": ("a.wav", second), "transcript": TALK})
    assert analyzer.seen[0]["media"] is not None
    assert len(uploads()) == 1 and uploads()[0].is_dir()
    client.post("/v1/analyze", files={"transcript": ("a.txt", b"ANN: bad"), "media": ("a.wav", second)})
    client.post("/v1/analyze", files={"transcript": ("a.txt", b"ANN: broken"), "media": ("a.wav", second)})
    client.post("/v1/analyze", files={"media": ("a.mp4", b"\0" * 100)})
    assert len(uploads()) == 1


def test_the_folder_goes_with_the_server(open_client, uploads):
    client = open_client()
    assert len(uploads()) == 1
    client.__exit__(None, None, None)
    assert uploads() == []
    client.__enter__()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\x\\..\\evil.wav", "a\0b", "/etc/shadow", "x" * 3000, "\u202e"]
)
def test_client_names_never_become_paths(client, analyzer, uploads, second, name):
    response = client.post("/v1/analyze", files={"media": (name, second)})
    assert response.status_code == 200
    assert analyzer.seen[0]["media"].parent.parent == uploads()[0]
    shown = analyzer.seen[0]["name"]
    assert "/" not in shown and "\\" not in shown and len(shown) <= 100 and shown.isprintable()


def test_faults_and_notes_name_no_path_of_the_server(client, second):
    files = {"transcript": ("a.txt", b"ANN: bad"), "media": ("a.wav", second)}
    fault = client.post("/v1/analyze", files=files)
    assert fault.status_code == 422
    assert message(fault) == "the recording should be good. Found 'bad', for model talk."
    fine = client.post("/v1/analyze", files={"transcript": TALK, "media": ("a.wav", second)})
    assert fine.json()["notes"] == ["the recording was mended."]


def test_a_fault_nobody_foresaw_is_500_without_details(client):
    response = client.post("/v1/analyze", files={"transcript": ("a.txt", b"ANN: broken")})
    assert response.status_code == 500 and "log" in message(response)
    assert "ZeroDivision" not in response.text and "transcript" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({"other": ("a", b"x")}, 400, "no such file"),
        ([("media", ("a", b"x")), ("media", ("b", b"x"))], 400, "twice"),
        ({"transcript": ("a.vtt", b"")}, 422, "The transcript is empty."),
        ({"media": ("a.mp4", b"")}, 422, "The recording is empty."),
        ({"media": ("a.wav", b"RIFF\0\0\0\0WAVEfmt ")}, 415, "audio or video"),
        ({"media": ("a.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")}, 415, "audio or video"),
        ({"media": ("a.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n")}, 415, "audio or video"),
    ],
)
def test_wrong_uploads_are_refused(client, files, status, words):
    response = client.post("/v1/analyze", files=files)
    assert response.status_code == status and words in message(response)


def test_track_and_channels_go_with_a_recording(client, analyzer, second):
    files = {"media": ("a.wav", second)}
    fields = {"track": " 2 ", "channels": "Ann, Ben"}
    assert client.post("/v1/analyze", files=files, data=fields).status_code == 200
    assert client.post("/v1/analyze", files=files, data={"track": "", "channels": "speakers"}).status_code == 200
    assert [(one["track"], one["channels"]) for one in analyzer.seen] == [(2, ("Ann", "Ben")), (None, "speakers")]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"track": "0"}, 422, "number of an audio track"),
        ({"channels": "Ann"}, 422, "all different"),
        ({"channels": "A,B" * 2000}, 413, "4,096 bytes"),
        ({"track": ["1", "2"]}, 400, "twice"),
    ],
)
def test_track_and_channels_that_are_none_are_refused(client, second, fields, status, words):
    response = client.post("/v1/analyze", files={"media": ("a.wav", second)}, data=fields)
    assert response.status_code == status and words in message(response)


def test_track_and_channels_without_a_recording_are_refused(client):
    response = client.post("/v1/analyze", files={"transcript": TALK}, data={"track": "1"})
    assert response.status_code == 422 and "come with a recording" in message(response)


def test_a_field_left_blank_in_a_browser_counts_as_absent(client, analyzer):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="media"; filename=""\r\n\r\n\r\n'
        b'--x\r\nContent-Disposition: form-data; name="transcript"; filename="t"\r\n\r\nA: joy\r\n--x--\r\n'
    )
    response = client.post("/v1/analyze", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert response.status_code == 200 and analyzer.seen[0]["media"] is None


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=" + "x" * 71, b"x", 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=x", b"", 400),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 400),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="media"\r\n\r\nabc', 400),
    ],
)
def test_what_is_no_form_is_refused(client, uploads, kind, body, status):
    response = client.post("/v1/analyze", content=body, headers={"content-type": kind})
    assert response.status_code == status and message(response)
    assert len(uploads()) == 1


def test_compressed_requests_are_refused(client):
    headers = {"content-type": "multipart/form-data; boundary=x", "content-encoding": "gzip"}
    assert client.post("/v1/analyze", content=b"x", headers=headers).status_code == 415


def test_a_declared_size_is_refused_before_anything_is_read(client):
    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": str(10**12)}
    response = client.post("/v1/analyze", content=b"--x", headers=headers)
    assert response.status_code == 413 and "505.066 MB" in message(response)


@pytest.mark.parametrize("field", ["media", "transcript"])
def test_each_file_has_its_limit_however_it_is_declared(open_client, field):
    client = open_client(max_media=1000, max_transcript=1000)
    assert client.post("/v1/analyze", files={field: ("a", b"x" * 1001)}).status_code == 413


def test_a_body_without_length_is_counted(open_client):
    head = b'--x\r\nContent-Disposition: form-data; name="media"; filename="a"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    pieces = iter([head, *[b"\0" * 10_000] * 30])
    response = open_client(max_media=100_000).post("/v1/analyze", content=pieces, headers=headers)
    assert response.status_code == 413


def test_a_recording_too_long_is_refused_whatever_its_size(open_client, sound):
    client = open_client(max_duration=2.0)
    assert client.post("/v1/analyze", files={"media": ("a.wav", sound(1.9))}).status_code == 200
    response = client.post("/v1/analyze", files={"media": ("a.wav", sound(2.5))})
    assert response.status_code == 413 and "minutes" in message(response)


def test_a_recording_too_long_is_refused_while_the_queue_is_busy(open_client, analyzer, sound):
    client = open_client(max_duration=2.0, max_queue=2)
    analyzer.gate = threading.Event()
    working = threading.Thread(target=client.post, args=("/v1/analyze",), kwargs={"files": {"transcript": TALK}})
    working.start()
    assert analyzer.began.wait(90)
    assert client.post("/v1/analyze", files={"media": ("a.wav", sound(3))}).status_code == 413
    analyzer.gate.set()
    working.join()


def test_a_full_queue_answers_429_and_health_still_answers(open_client, analyzer, uploads):
    client = open_client(max_queue=1)
    analyzer.gate = threading.Event()
    answers = []

    def post() -> None:
        answers.append(client.post("/v1/analyze", files={"transcript": TALK}))

    working = threading.Thread(target=post)
    working.start()
    assert analyzer.began.wait(90)
    refused = client.post("/v1/analyze", files={"transcript": TALK})
    assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
    assert client.get("/v1/health").json()["queue"]["recordings"] == {"inside": 1, "limit": 1}
    other = client.post("/v1/predict", json={"utterances": [{"text": "joy"}]})
    analyzer.gate.set()
    working.join()
    assert other.status_code == 200 and answers[0].status_code == 200
    assert client.post("/v1/analyze", files={"transcript": TALK}).status_code == 200
    assert len(uploads()) == 1


def test_work_that_takes_too_long_is_stopped_and_its_place_is_free_again(open_client, analyzer, uploads, allow_time):
    client = open_client(max_queue=1, timeout=0.2)
    analyzer.gate = threading.Event()
    assert client.post("/v1/analyze", files={"transcript": TALK}).status_code == 504
    deadline = time.monotonic() + 60
    while client.get("/v1/health").json()["queue"]["recordings"]["inside"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(uploads()) == 1
    analyzer.gate = None
    allow_time(client)
    assert client.post("/v1/analyze", files={"transcript": TALK}).status_code == 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v ANN>joy\n", "joy"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nANN: joy\n", "joy"),
        (b'{"utterances": [{"speaker": "ANN", "text": "joy"}]}', "joy"),
        (b"speaker,text\nANN,joy\n", "joy"),
    ],
)
def test_the_format_of_a_transcript_is_known_by_its_content(client, content, words):
    response = client.post("/v1/analyze", files={"transcript": ("misleading.exe", content, "image/png")})
    assert [(u["text"], u["speaker"]) for u in response.json()["utterances"]] == [(words, "ANN")]


def test_a_transcript_of_too_many_utterances_is_refused(open_client):
    client = open_client(max_utterances=2)
    response = client.post("/v1/analyze", files={"transcript": ("a.txt", b"A: one\nB: two\nA: three")})
    assert response.status_code == 413 and "2 utterances" in message(response)


@pytest.mark.parametrize(("name", "kind"), [("csv", "text/csv"), ("html", "text/html")])
def test_exports_come_as_files_under_a_name_of_ours(client, second, name, kind):
    files = {"media": ("<script>.wav", second), "transcript": ("a.txt", b"ANN: joy <script>alert(1)</script>")}
    response = client.post(f"/v1/analyze?format={name}", files=files)
    assert response.status_code == 200 and response.headers["content-type"].startswith(kind)
    assert response.headers["content-disposition"] == f'attachment; filename="analysis.{name}"'
    assert name != "html" or "<script>alert(1)" not in response.text


def test_captions_need_times_and_other_formats_do_not_exist(client):
    assert client.post("/v1/analyze?format=vtt", files={"transcript": TALK}).status_code == 422
    wrong = client.post("/v1/analyze?format=exe", files={"transcript": TALK})
    assert wrong.status_code == 422 and "format" in message(wrong)
