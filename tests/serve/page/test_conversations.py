from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect


def test_a_pasted_conversation_needs_no_file_and_its_words_stay_words(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Paste").click()
    hostile = "</script><img src=x onerror='window.hurt = 1'>"
    page.get_by_label("A conversation, one utterance a line").fill(
        f"ANN: You are late: again.\nBEN: {hostile}\nand more from Ben\n\n"
    )
    expect(page.get_by_text("3 lines")).to_be_visible()
    page.get_by_role("button", name="Analyze").click()
    page.locator(".tl-item").nth(2).wait_for()
    expect(page.locator(".tl-text")).to_have_text(["You are late: again.", hostile, "and more from Ben"])
    expect(page.locator(".tl-speaker")).to_have_text(["ANN", "BEN", "BEN"])
    expect(page.get_by_role("heading", name="Conversation", exact=True)).to_be_visible()
    assert page.evaluate("window.hurt") is None
    expect(page.locator("main img")).to_have_count(0)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("button", name="WebVTT")).to_be_disabled()
    page.get_by_role("button", name="Start anew").click()
    expect(page.get_by_label("A conversation, one utterance a line")).to_be_visible()


def test_the_example_works_at_once(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve())
    page.get_by_role("button", name="Try an example").click()
    page.locator(".tl-item").nth(15).wait_for()
    expect(page.get_by_role("heading", name="Example conversation")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "said", "noted"),
    [
        ("\nWEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Late.\n\n00:03.000 -->\nlost\n", [("Ann", "Late.")], "1 blocks"),
        ("1\n00:00:01,000 --> 00:00:02,000\nANN: Late.\n", [("ANN", "Late.")], ""),
        ('[{"speaker": "Ann", "text": "Late."}, 3]', [("Ann", "Late.")], "1 utterances are not objects"),
        ("Speaker,Utterance\nAnn,Late.\n", [("Ann", "Late.")], ""),
        ("ann: Late.\nben: At 10: 30 sharp.", [("ann", "Late."), ("ben", "At 10: 30 sharp.")], ""),
        ("ANN: Late.\nI told you: ten.", [("ANN", "Late."), ("ANN", "I told you: ten.")], "1 of 2 lines"),
    ],
    ids=["vtt", "srt", "json", "csv", "names", "unnamed"],
)
def test_pasted_text_is_read_as_the_same_text_in_a_file_is(
    serve: Callable[..., str], open_page: Callable[..., Any], text: str, said: list[tuple[str, str]], noted: str
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Paste").click()
    page.get_by_label("A conversation, one utterance a line").fill(text)
    page.get_by_role("button", name="Analyze").click()
    page.locator(".tl-item").nth(len(said) - 1).wait_for()
    speakers, texts = (page.locator(f".tl-{part}").all_text_contents() for part in ("speaker", "text"))
    assert list(zip(speakers, texts, strict=True)) == said
    assert noted in (page.locator(".tl-notes").inner_text() if noted else "")


def test_a_second_analysis_begins_without_the_filters_and_the_zoom_of_the_first(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("button", name="RUTH 3").click()
    page.get_by_role("button", name="joy 5").click()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Start anew").click()
    page.get_by_role("button", name="Try an example").click()
    page.get_by_text("16 utterances", exact=True).wait_for()
    expect(page.locator(".tl-item:visible")).to_have_count(16)
    expect(page.locator("[aria-pressed=true]")).to_have_text(["Everyone16"])
    expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()


def test_speakers_stand_in_the_order_in_which_they_speak(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    for place, speaker in enumerate(("Zoe", "7", "Ann", "3")):
        page.get_by_role("button", name="+ Speaker").click()
        page.get_by_label("Name of the new speaker").fill(speaker)
        page.keyboard.press("Enter")
        page.get_by_label("Says").fill("Hello.")
        page.keyboard.press("Enter")
        page.locator(".tl-item").nth(place).wait_for()
    expect(page.locator(".tl-who h3")).to_have_text(["Zoe", "7", "Ann", "3"])
