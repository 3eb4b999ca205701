"""A meeting of an hour and a half, on a screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect


@pytest.fixture
def meeting(analyzer: Any) -> None:
    """1,200 utterances of 4.5 seconds; Ben is silent in the middle third."""
    make = analyzer.make

    def long(count: int, timed: bool = True) -> Any:
        made = make(1200)
        said = tuple(
            replace(
                one,
                start=4.5 * place,
                end=4.5 * place + 4,
                speaker="Ann" if 400 <= place < 800 else one.speaker,
                confidence=0.99 if place == 700 else 0.4 + 0.1 * (place % 3),
                label="anger" if place == 700 else one.label,
            )
            for place, one in enumerate(made.utterances)
        )
        return replace(made, utterances=said)

    analyzer.make = long


@pytest.fixture
def shown(
    meeting: None, serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> Callable[[int], Any]:
    def open_it(width: int) -> Any:
        page = open_page(serve(), width=width)
        upload(page)
        page.locator(".tl-item").nth(1199).wait_for(state="attached")
        return page

    return open_it


def test_the_strip_shows_bars_until_single_utterances_can_be_seen(shown: Callable[[int], Any]) -> None:
    page = shown(390)
    expect(page.locator(".tl-block:not(.tl-stretch)")).to_have_count(0)
    narrowest = "bars => Math.min(...bars.map((bar) => bar.getBoundingClientRect().width))"
    assert page.locator(".tl-stretch").evaluate_all(narrowest) > 4
    expect(page.locator(".tl-stretch title").first).to_contain_text("mostly")
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
    expect(page.locator(".tl-stretch")).to_have_count(0)
    assert page.locator(".tl-block").evaluate_all(narrowest) >= 4


def test_the_curve_of_a_speaker_breaks_where_they_are_silent(shown: Callable[[int], Any]) -> None:
    page = shown(1400)
    parts = page.locator(".tl-arc").evaluate_all("arcs => arcs.map((arc) => Number(arc.dataset.parts))")
    assert parts == [1, 2]


def test_the_first_utterance_is_seen_on_a_phone_and_filters_wait_behind_a_button(shown: Callable[[int], Any]) -> None:
    page = shown(390)
    # A recording comes with its player; of what belongs to the timeline, nothing but its rows stands before the words.
    above = page.locator(".tl-item").first.bounding_box()["y"] - page.locator("#timeline").bounding_box()["y"]
    assert above < 600
    expect(page.get_by_role("button", name="Ben 400")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("button", name="Ben 400").click()
    expect(page.get_by_role("button", name="Filters (1 on)")).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_text("400 of 1,200 utterances")).to_be_visible()


def test_the_strongest_moments_lead_to_their_utterances(shown: Callable[[int], Any]) -> None:
    page = shown(1400)
    talk = page.locator(".tl-talks li")
    expect(talk).to_have_text(["Ann67%53:20", "Ben33%26:40"])
    moments = page.locator(".tl-moment")
    expect(moments.first).to_contain_text("anger99%")
    moments.first.click()
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 700")
    assert page.locator(".tl-item[aria-selected=true]").get_attribute("data-place") == "700"


def test_what_the_model_is_unsure_of_looks_so_once_a_threshold_is_set(shown: Callable[[int], Any]) -> None:
    page = shown(1400)
    expect(page.locator(".tl-unsure")).to_have_count(0)
    slider = page.get_by_role("slider", name="Unsure below")
    slider.fill("45")
    expect(page.locator(".tl-item.tl-unsure")).to_have_count(400)
    page.get_by_role("button", name="Only unsure").click()
    expect(page.get_by_text("400 of 1,200 utterances")).to_be_visible()
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("1,200 utterances", exact=True)).to_be_visible()
