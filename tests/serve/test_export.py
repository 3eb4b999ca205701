"""An edited analysis as a file."""

from __future__ import annotations

import csv
import io
import json
from typing import get_args

import pytest

from crossspace.serve.answers import Format

MEDIA = {"name": "a.wav", "audio": True, "video": False}
TALK = b"WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ann>joy\n\n00:03.000 --> 00:04.000\n<v Ben>late\n"


@pytest.fixture
def edited(client, make_analysis):
    """An analysis of which a speaker was renamed and a label corrected."""
    analysis = json.loads(json.dumps(make_analysis().to_dict()))
    for one in analysis["utterances"]:
        one["speaker"] = one["speaker"].replace("Ben", "Benedict")
    analysis["utterances"][0]["corrected"] = "anger"
    return analysis


def test_every_format_carries_the_new_name_and_the_corrected_label(client, edited):
    for name in get_args(Format):
        answer = client.post(f"/v1/export?format={name}&labels=true", json=edited)
        assert answer.status_code == 200, (name, answer.text)
        # Pages of PDF and pictures hold outlines; what they show is looked at where they are drawn.
        if name not in ("pdf", "png"):
            assert b"Benedict" in answer.content and b"Ben " not in answer.content
            assert b"orrected" in answer.content or name == "rttm", name
        assert f'filename="analysis.{name}"' in answer.headers["content-disposition"]


def test_the_label_of_the_model_stays_beside_the_corrected_one(client, edited):
    again = client.post("/v1/export", json=edited).json()
    first, second = again["utterances"][:2]
    assert (first["label"], first["corrected"], "corrected" in second) == ("neutral", "anger", False)
    assert again["speakers"] == ["Ann", "Benedict"] and again["arcs"]["Ann"]["shares"]["anger"] == pytest.approx(0.8)
    rows = list(csv.DictReader(io.StringIO(client.post("/v1/export?format=csv", json=edited).text)))
    assert [(row["label"], row["corrected"]) for row in rows[:2]] == [("neutral", "anger"), ("joy", "")]
    captions = client.post("/v1/export?format=srt&labels=true", json=edited).text
    assert "[anger corrected]" in captions and "[joy 60 %]" in captions


def test_without_corrections_there_is_no_column_of_them(client, edited):
    del edited["utterances"][0]["corrected"]
    assert "corrected" not in client.post("/v1/export?format=csv", json=edited).text
    assert "corrected" not in client.post("/v1/export", json=edited).text


def test_keys_of_later_releases_are_carried_along(client, edited):
    edited["model"]["weights"] = "sha256:0"
    assert client.post("/v1/export", json=edited).json()["model"]["weights"] == "sha256:0"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda a: a["utterances"][0].update(label="glee"), 422, "glee"),
        (lambda a: a["utterances"][1].update(corrected="glee"), 422, "utterances.1"),
        (lambda a: a["utterances"][0]["probabilities"].pop("joy"), 422, "probability"),
        (lambda a: a["utterances"][0]["probabilities"].update(joy=2), 422, "between 0 and 1"),
        (lambda a: a["utterances"][0].update(confidence=5), 422, "between 0 and 1"),
        (lambda a: a["utterances"][0].update(recognised={"text": 5}), 422, "between 0 and 1"),
        (lambda a: a["utterances"][0].update(start=-1), 422, "times"),
        (lambda a: a["utterances"][0].update(start=3, end=2), 422, "end should not be before start"),
        (lambda a: a["labels"].append(a["labels"][0]), 422, "different"),
        (lambda a: a["model"].update(modalities=["text"] * 21), 422, "modalities"),
        (lambda a: a["model"].update(modalities=["x" * 101]), 422, "modalities"),
        (lambda a: a.update(media={**MEDIA, "duration": 1e300}), 422, "duration"),
        (lambda a: a["utterances"][0].update(surprise=1), 422, "surprise"),
        (lambda a: a.pop("labels"), 422, "labels"),
        (lambda a: a["utterances"].extend(a["utterances"] * 2), 413, "6 utterances"),
    ],
)
def test_what_is_no_analysis_is_refused(open_client, edited, change, status, words):
    change(edited)
    answer = open_client(max_utterances=6).post("/v1/export", json=edited)
    assert answer.status_code == status and words in answer.json()["error"]["message"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    "change",
    [
        lambda a, n: a["utterances"][0].update(confidence=n),
        lambda a, n: a["utterances"][0].update(recognised={"text": n}),
        lambda a, n: a["utterances"][0]["probabilities"].update(joy=n),
        lambda a, n: a["utterances"][0].update(contributions={"text": n}),
        lambda a, n: a["utterances"][0].update(start=n),
        lambda a, n: a["model"].update(depth=n),
        lambda a, n: a.update(media={**MEDIA, "duration": n}),
    ],
)
def test_numbers_that_are_none_are_refused(client, edited, change, number):
    change(edited, number)
    answer = client.post("/v1/export", content=json.dumps(edited), headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)


def test_an_analysis_of_nothing_is_a_table_without_rows(client, edited):
    edited["utterances"] = []
    answer = client.post("/v1/export?format=parquet", json=edited)
    assert answer.status_code == 200 and answer.content.startswith(b"PAR1")


def test_captions_need_times(client, edited):
    for one in edited["utterances"]:
        one["start"] = one["end"] = None
    answer = client.post("/v1/export?format=srt", json=edited)
    assert answer.status_code == 422 and "times" in answer.json()["error"]["message"]


def test_an_answer_of_this_server_can_be_posted_as_it_is(client):
    analysis = client.post("/v1/analyze", files={"transcript": ("talk.vtt", TALK)}).json()
    assert client.post("/v1/export", json=analysis).json() == analysis
