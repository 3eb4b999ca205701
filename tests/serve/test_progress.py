"""How far a request is."""

from __future__ import annotations

import threading
from itertools import takewhile

JOB = "job-of-a-client-0001"


def test_a_request_that_is_worked_on_says_its_stage_and_is_forgotten_after(open_client, analyzer):
    client = open_client()
    analyzer.gate = threading.Event()
    answers = []

    def post() -> None:
        files = {"transcript": ("a.txt", b"ANN: joy")}
        answers.append(client.post(f"/v1/analyze?job={JOB}", files=files).status_code)

    working = threading.Thread(target=post)
    working.start()
    assert analyzer.began.wait(90)
    asked = (client.get(f"/v1/progress/{JOB}").json()["stage"] for _ in range(5000))
    stages = list(takewhile(lambda stage: stage != "text", asked))
    again = client.post(f"/v1/analyze?job={JOB}", files={"transcript": ("a.txt", b"ANN: joy")})
    analyzer.gate.set()
    working.join()
    assert len(stages) < 5000 and set(stages) <= {"waiting"}
    assert again.status_code == 422 and answers == [200]
    assert client.get(f"/v1/progress/{JOB}").json() == {"stage": None, "done": None, "of": None}


def test_parts_of_a_stage_are_counted(client):
    stages = client.app.state.crossspace.stages
    with stages.of(JOB) as tell:
        tell("text, 1,512 of 2,000")
        assert client.get(f"/v1/progress/{JOB}").json() == {"stage": "text", "done": 1512, "of": 2000}


def test_names_that_can_be_guessed_are_refused(client):
    files = {"transcript": ("a.txt", b"ANN: joy")}
    assert client.post("/v1/analyze?job=1", files=files).status_code == 422
    assert client.get("/v1/progress/1").status_code == 422
