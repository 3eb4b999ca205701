from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def test_a_pasted_conversation_needs_no_file_and_its_words_stay_words(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Paste").click()
    hostile = "</script><img src=x onerror='window.hurt = 1'>"
    page.get_by_label("A conversation, one utterance a line").fill(
        f"ANN: You are late: again.\nBEN: {hostile}\nand more from Ben\n\n"
    )
    assert page.get_by_text("3 utterances").is_visible()
    page.get_by_role("button", name="Analyze").click()
    page.get_by_role("option").nth(2).wait_for()
    assert page.locator(".tl-text").all_text_contents() == ["You are late: again.", hostile, "and more from Ben"]
    assert page.locator(".tl-speaker").all_text_contents() == ["ANN", "BEN", "BEN"]
    assert page.evaluate("window.hurt") is None and page.locator("main img").count() == 0
    assert page.get_by_role("button", name="WebVTT").is_disabled()
    page.get_by_role("button", name="Start anew").click()
    assert page.get_by_label("A conversation, one utterance a line").is_visible()


def test_the_example_works_at_once(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve())
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("option").nth(15).wait_for()


def test_a_live_conversation_grows_by_one_utterance_at_a_time(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    for place, text in enumerate(("You are late.", "I know.", "Again!")):
        page.get_by_label("Says").fill(text)
        page.keyboard.press("Enter")
        page.get_by_role("option").nth(place).wait_for()
        page.get_by_role("button", name="Other speaker").click()
    assert page.locator(".tl-speaker").all_text_contents() == ["ANN", "BEN", "ANN"]
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert saved["speakers"] == ["ANN", "BEN"] and saved["arcs"]["ANN"]["utterances"] == 2
