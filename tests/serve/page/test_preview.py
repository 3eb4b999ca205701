from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

TALK = (
    "WEBVTT\n\n00:03.000 --> 00:04.000\n<v Ann>I got the job!\n\n00:05.000 --> 00:06.000\n[applause]\n\n"
    "00:07.000 --> 00:08.000\n<v Ben>I am so happy <img src=x onerror='window.hurt = 1'>\n\n"
    "00:09.000 --> 00:10.000\n<v Ann>They hated me.\n"
)


def test_pasted_text_is_shown_as_what_it_was_understood_as(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve(), expected="422")
    page.get_by_role("tab", name="Paste").click()
    page.locator("#pasted").fill(TALK)
    shown = page.get_by_role("region", name="What the text was understood as")
    expect(shown.locator(".preview-title")).to_have_text("WebVTT · 3 utterances · 0:03–0:10")
    expect(shown.get_by_role("list", name="2 speakers").get_by_role("listitem")).to_have_text(["Ann2", "Ben1"])
    expect(shown.locator("tr")).to_have_count(3)
    expect(shown).to_contain_text("Set apart, as sounds or songs: [applause] at 0:05.")
    expect(shown.get_by_role("list", name="Notes")).to_contain_text("1 of 4 utterances are sounds")
    expect(page.get_by_role("status").first).to_have_text("Understood as WebVTT: 3 utterances, 2 speakers.")
    assert page.evaluate("window.hurt") is None
    page.locator("#pasted").fill("%PDF-1.7 \0 nothing")
    expect(shown.get_by_text("This transcript cannot be used.")).to_be_visible()
    page.locator("#pasted").fill("")
    expect(shown).to_be_hidden()


def test_the_last_of_what_is_typed_is_shown_and_nothing_is_asked_for_each_letter(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "transcript" in request.url else None)
    page.get_by_role("tab", name="Paste").click()
    page.locator("#pasted").press_sequentially("ANN: You are late again, and again.")
    expect(page.locator("#preview-pasted tr")).to_have_text(["1.ANNYou are late again, and again."])
    assert len(asked) < 10


def test_a_chosen_file_is_shown_before_anything_is_analyzed(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve(), expected="422")
    file = {"name": "talk.vtt", "mimeType": "text/vtt", "buffer": TALK.encode()}
    page.locator("#transcript").set_input_files(file)
    shown = page.get_by_role("region", name="What the transcript was understood as")
    expect(shown).to_contain_text("WebVTT · 3 utterances")
    page.locator("#transcript").set_input_files({**file, "buffer": b"\x89PNG\r\n\x1a\n\0\0"})
    expect(shown).to_contain_text("This transcript cannot be used.")
    page.locator("#transcript").set_input_files([])
    expect(shown).to_be_hidden()


def test_the_page_promises_what_the_model_can_do(
    serve: Callable[..., str], open_page: Callable[..., Any], analyzer: Any, recording: Any
) -> None:
    page = open_page(serve())
    expect(page.locator("#lead")).to_contain_text("what words, voice and face had to say in it")
    page.locator("#media").set_input_files(recording)
    expect(page.locator("#alone")).to_contain_text("what is said stays unknown")
    expect(page.locator("#analyze")).to_be_enabled()
    analyzer.predictor.task.modalities = ("text",)
    page.reload()
    expect(page.locator("#lead")).to_contain_text("judged from the words alone")
    page.locator("#media").set_input_files(recording)
    expect(page.locator("#alone")).to_contain_text("needs the transcript of this recording")
    expect(page.locator("#analyze")).to_be_disabled()
    page.locator("#transcript").set_input_files({"name": "a.vtt", "mimeType": "text/vtt", "buffer": TALK.encode()})
    expect(page.locator("#alone")).to_be_empty()
    expect(page.locator("#analyze")).to_be_enabled()


def test_a_server_that_recognises_words_is_said_to_do_so(
    serve: Callable[..., str], open_page: Callable[..., Any], analyzer: Any, recording: Any
) -> None:
    analyzer.predictor.task.modalities = ("text",)
    address = serve()
    page = open_page(address)

    def also(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "transcribes": "whisper small"})

    page.route("**/v1/model", also)
    page.reload()
    page.locator("#media").set_input_files(recording)
    expect(page.locator("#alone")).to_contain_text("its words will be recognised by whisper small")
    expect(page.locator("#analyze")).to_be_enabled()
    expect(page.locator("#lead")).to_contain_text("Drop a recording, a transcript or both")
