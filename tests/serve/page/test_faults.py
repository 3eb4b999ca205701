from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

av = pytest.importorskip("av")


def test_a_refusal_is_shown_and_the_choice_is_kept(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Any
) -> None:
    analyzer.fault = "The transcript ends before it begins. Send one whose cues are in order."
    page = open_page(serve(), expected="422")
    upload(page)
    page.get_by_role("alert").get_by_text("Send one whose cues are in order.").wait_for()
    expect(page.get_by_text("talk.vtt")).to_be_visible()
    expect(page.locator("#error")).to_be_focused()
    analyzer.fault = ""
    page.get_by_role("button", name="Analyze").click()
    page.locator(".tl-item").first.wait_for()
    expect(page.locator("#error")).to_be_hidden()


def test_a_server_that_is_gone_is_said_to_be_so(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(), expected="ERR_")
    page.get_by_text("Model: tiny").wait_for()
    page.route("**/v1/analyze*", lambda route: route.abort())
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("alert").get_by_text("The server cannot be reached.").wait_for()


def test_work_can_be_cancelled(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Any
) -> None:
    analyzer.wait.clear()
    page = open_page(serve())
    upload(page)
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Analyze")).to_be_enabled()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.locator("#analyze")).to_be_focused()


def test_stages_and_the_time_left_are_told_while_work_goes_on(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Any
) -> None:
    analyzer.wait.clear()
    page = open_page(serve())
    upload(page)
    stage = page.locator("#working-stage")
    expect(stage).to_contain_text("Reading what came")
    done = iter(range(100, 100_000, 100))
    said = {"stage": "text", "of": 100_000}
    page.route("**/v1/progress/*", lambda route: route.fulfill(json={**said, "done": next(done)}))
    expect(stage).to_contain_text(re.compile(r"Reading the words … · [\d,]+ of 100,000 · about [\d:]+ left of this"))
    expect(page.get_by_role("list", name="Done")).to_contain_text("Reading what came")
    analyzer.wait.set()
    page.locator(".tl-item").first.wait_for()


def test_the_token_is_asked_for_once(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(token="sesame"), expected="401")
    dialog = page.get_by_role("dialog", name="This server asks for a token")
    dialog.get_by_label("Token").fill("wrong")
    dialog.get_by_role("button", name="Go on").click()
    dialog.get_by_text("The server did not accept this token.").wait_for()
    dialog.get_by_label("Token").fill("sesame")
    dialog.get_by_role("button", name="Go on").click()
    page.get_by_text("Model: tiny").wait_for()
    page.reload()
    page.get_by_text("Model: tiny").wait_for()
    page.get_by_role("tab", name="Live").click()
    page.get_by_label("Says").fill("Hello.")
    page.keyboard.press("Enter")
    page.locator(".tl-item").wait_for()


def test_a_token_that_was_not_given_is_asked_for_again(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve(token="sesame"), expected="401")
    dialog = page.get_by_role("dialog", name="This server asks for a token")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_text("The server has not said which model it has.").wait_for()
    page.get_by_role("tab", name="Live").click()
    page.get_by_label("Says").fill("Hello.")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("alert").get_by_text("This server wants its token").wait_for()
    expect(page.get_by_label("Says")).to_have_value("Hello.")
    page.get_by_label("Says").press("Enter")
    dialog.get_by_label("Token").fill("sesame")
    page.keyboard.press("Enter")
    page.locator(".tl-item").wait_for()
    expect(page.get_by_text("Model: tiny")).to_be_visible()
    page.evaluate("sessionStorage.setItem('token', 'old')")
    page.get_by_role("button", name="Start anew").click()
    page.get_by_label("Says").fill("Hello?")
    page.keyboard.press("Enter")
    dialog.get_by_text("The server did not accept this token.").wait_for()


def test_the_model_is_known_once_an_analysis_succeeded(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve(token="sesame"), expected="401")
    dialog = page.get_by_role("dialog", name="This server asks for a token")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Try an example").click()
    dialog.get_by_label("Token").fill("sesame")
    page.keyboard.press("Enter")
    page.get_by_text("Model: tiny").wait_for()
    page.get_by_role("button", name="Read the model card").click()
    expect(page.get_by_role("dialog", name="Model card")).to_be_visible()


def test_a_recording_that_the_browser_cannot_play_still_has_its_timeline(
    serve: Callable[..., str], open_page: Callable[..., Any], recording: Path, tmp_path: Path
) -> None:
    path = tmp_path / "talk.avi"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(picture.encode(None))
    page = open_page(serve(), expected="blob|media|ERR_")
    page.locator("#media").set_input_files(path)
    page.get_by_role("button", name="Analyze").click()
    page.get_by_text("This browser cannot play talk.avi.").wait_for()
    expect(page.locator(".tl-item")).to_have_count(4)


def test_a_recording_beyond_the_limit_is_not_even_sent(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve(max_media=1000))
    page.get_by_text("Model: tiny").wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    upload(page)
    page.get_by_role("alert").get_by_text("talk.webm is too large.").wait_for()
    assert [address for address in asked if "analyze" in address] == []
    assert re.search(r"Found [\d.]+ kB where this server takes 1 kB\.", page.get_by_role("alert").inner_text())
