from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from playwright.sync_api import expect

from crossspace.analysis.exports import to_csv, to_json, to_vtt


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_a_recording_can_be_seen_heard_and_explained(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.get_by_role("heading", name="talk.webm").wait_for()
    page.locator("#wave [part~=region]").nth(3).wait_for()
    assert page.locator(".tl-block").count() == page.locator(".tl-item").count() == 4
    page.locator(".tl-item").nth(1).click()
    page.wait_for_function("() => document.querySelector('video').currentTime > 1.5")
    page.locator("[aria-current=true]").wait_for()
    why = words(page.get_by_role("region", name="Why").inner_text())
    for expected in ("Ben", "words 1", "joy 60%", "neutral 50%", "+31", "−8", "Missing: no face was seen"):
        assert expected in why


def test_a_click_on_the_waveform_chooses_the_utterance(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.locator("#wave [part~=region]").nth(2).click()
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 2")
    assert page.locator(".tl-item[aria-selected=true]").inner_text().startswith("0:03")


def test_one_speaker_and_one_emotion_can_be_shown_alone(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.get_by_role("button", name="Ben 2").click()
    assert [row.split()[1] for row in page.locator(".tl-item:visible").all_inner_texts()] == ["Ben", "Ben"]
    page.get_by_role("button", name="joy 1").click()
    expect(page.locator(".tl-item:visible")).to_have_count(1)
    expect(page.get_by_text("1 of 4 utterances")).to_be_visible()
    page.get_by_role("button", name="Everyone").click()
    page.get_by_role("button", name="joy 1").click()
    expect(page.locator(".tl-item:visible")).to_have_count(4)


def test_exports_say_what_the_server_said(
    serve: Callable[..., str],
    open_page: Callable[..., Any],
    upload: Callable[[Any], None],
    analyzer: Any,
    table: Callable[[str], Any],
) -> None:
    make = analyzer.make

    def with_an_instant(*words: Any, **options: Any) -> Any:
        made = make(*words, **options)
        first, *rest = made.utterances
        return replace(made, utterances=(replace(first, end=first.start), *rest))

    analyzer.make = with_an_instant
    page = open_page(serve())
    upload(page)
    saved = {}
    for name in ("JSON", "CSV", "WebVTT"):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = download.value.path().read_text(encoding="utf-8")
        assert download.value.suggested_filename == f"talk.webm.{name.lower().replace('webvtt', 'vtt')}"
    truth = replace(analyzer.make(), conversation_id="talk.webm", media=analyzer.media)
    assert json.loads(saved["JSON"]) == json.loads(to_json(truth))
    assert table(saved["CSV"]) == table(to_csv(truth))
    assert saved["WebVTT"] == to_vtt(truth) and saved["WebVTT"].count("-->") == len(truth.utterances) - 1


def test_the_card_is_shown_as_text(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve())
    expect(page.get_by_text("What this is not for.")).to_be_visible()
    page.get_by_role("button", name="Read the model card").click()
    card = page.get_by_role("dialog", name="Model card")
    expect(card.get_by_role("heading", name="tiny")).to_be_visible()
    assert card.locator("strong").inner_text() == "three"
    assert "<img" in card.inner_text() and card.locator("img").count() == 0


def test_two_thousand_utterances_are_all_there(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Any
) -> None:
    analyzer.count = 2000
    page = open_page(serve())
    upload(page)
    page.locator(".tl-item").nth(1999).wait_for(state="attached")
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 1999")
    expect(page.locator(".tl-block:not(.tl-stretch)")).to_have_count(0)
    assert 20 < page.locator(".tl-stretch").count() < 400
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".tl-block:not(.tl-stretch)")).to_have_count(2000)
