from __future__ import annotations

import json

from crossspace import __version__


def test_health_says_version_model_and_queues(client):
    answer = client.get("/v1/health").json()
    assert (answer["status"], answer["version"], answer["model"]) == ("ok", __version__, "talk")
    assert {queue["inside"] for queue in answer["queue"].values()} == {0}


def test_model_says_what_it_is_and_no_path(client):
    response = client.get("/v1/model")
    answer = response.json()
    assert (answer["name"], answer["kind"], answer["causal"], answer["in_the_box"]) == ("talk", "css", True, False)
    assert answer["labels"] == ["joy", "anger"] and answer["card"] == "# A card"
    assert answer["transcribes"] is None
    assert answer["extractors"]["text"]["name"] == "minilm" and answer["limits"]["max_duration"] == 7200
    assert "/home" not in response.text


def test_every_endpoint_is_documented_with_its_errors(client):
    document = client.get("/openapi.json").json()
    names = {"health", "model", "analyze", "predict", "transcript", "export", "progress/{job}"}
    assert set(document["paths"]) == {f"/v1/{name}" for name in names}
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"] and operation["tags"] and operation["description"]
    for name in ("/v1/analyze", "/v1/predict", "/v1/transcript", "/v1/export"):
        operation = document["paths"][name]["post"]
        assert {"200", "401", "413", "415", "422", "429"} <= set(operation["responses"])
        assert operation["requestBody"]["content"]
    assert "$defs" not in json.dumps(document)


def test_documentation_makes_no_request_elsewhere(client):
    assert client.get("/docs").text == "<h1>The API</h1>"
    assert client.get("/redoc").status_code == 404


def test_unknown_addresses_and_methods_answer_in_the_same_shape(client):
    assert client.get("/v1/nothing").json()["error"]["message"]
    wrong = client.get("/v1/predict")
    assert wrong.status_code == 405 and wrong.json()["error"]["message"]


def test_the_page_and_its_parts_are_served(client):
    assert "crossspace" in client.get("/").text
    assert client.get("/static/index.html").text == client.get("/").text


def test_nothing_beside_the_page_is_served(client):
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/timeline/../analysis.py"):
        assert client.get(path).status_code == 404
