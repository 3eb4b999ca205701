from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect


@pytest.fixture
def say() -> Callable[..., None]:
    """Says one thing on the Live tab and waits until there are so many utterances, in their places."""

    def act(page: Any, text: str, count: int) -> None:
        page.get_by_label("Says").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_function("count => document.querySelectorAll('.tl-item').length === count", arg=count)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    return act


def test_a_live_conversation_grows_by_one_utterance_at_a_time(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    for place, text in enumerate(("You are late.", "I know.", "Again!")):
        page.get_by_label("Says").fill(text)
        page.keyboard.press("Enter")
        page.locator(".tl-item").nth(place).wait_for()
        # By keys: what is clicked may move while the first answer makes room for itself.
        other = str(2 - place % 2)
        page.get_by_label("Says").press(other)
        expect(page.get_by_role("radio", name=f"Speaker {other}")).to_be_checked()
    expect(page.locator(".tl-speaker")).to_have_text(["Speaker 1", "Speaker 2", "Speaker 1"])
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert saved["speakers"] == ["Speaker 1", "Speaker 2"] and saved["arcs"]["Speaker 1"]["utterances"] == 2


def test_leaving_the_tab_keeps_the_conversation(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    say(page, "You are late.", 1)
    page.get_by_role("tab", name="Live").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-paste")).to_be_focused()
    expect(page.get_by_label("Says")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_label("A conversation, one")).to_be_visible()
    expect(page.locator(".tl-item")).to_be_visible()
    page.get_by_role("tab", name="Live").click()
    say(page, "I know.", 2)
    page.get_by_role("tab", name="Paste").click()
    page.get_by_label("A conversation, one").fill("ZOE: Something else.")
    page.get_by_role("button", name="Analyze").click()
    page.locator(".tl-text", has_text="Something else.").wait_for()
    page.get_by_role("button", name="Start anew").click()
    page.get_by_role("tab", name="Live").click()
    say(page, "Again!", 1)


def test_a_silence_ends_the_conversation_and_the_page_says_what_comes_next(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None]
) -> None:
    page = open_page(serve(live_idle=1.0))
    page.get_by_role("tab", name="Live").click()
    say(page, "You are late.", 1)
    page.get_by_role("alert").get_by_text("Nothing was said for 1 seconds.").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("What you say next begins a new conversation.")
    expect(page.locator(".tl-text")).to_have_text(["You are late."])
    page.get_by_label("Says").fill("I know.")
    page.keyboard.press("Enter")
    page.locator(".tl-text", has_text="I know.").wait_for()
    expect(page.locator(".tl-text")).to_have_text(["I know."])


def test_what_finds_no_place_stays_where_it_was_typed(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None]
) -> None:
    address = serve(max_live=1)
    first, second = open_page(address), open_page(address)
    for page in (first, second):
        page.get_by_role("tab", name="Live").click()
    say(first, "You are late.", 1)
    second.get_by_label("Says").fill("Is anyone there?")
    second.keyboard.press("Enter")
    second.get_by_role("alert").get_by_text("The server serves 1 live conversations already. ").wait_for()
    second.get_by_text("Try again in a while.").wait_for()
    expect(second.get_by_label("Says")).to_have_value("Is anyone there?")


def test_an_utterance_that_a_filter_hides_is_told_of(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    say(page, "You are late.", 1)
    page.keyboard.press("2")
    say(page, "I know.", 2)
    page.get_by_role("button", name="Speaker 1 1", exact=True).click()
    expect(page.get_by_text("1 of 2 utterances, without the latest")).to_be_visible()
    say(page, "Sorry.", 3)
    expect(page.get_by_text("1 of 3 utterances, without the latest")).to_be_visible()
    page.get_by_role("radio", name="Speaker 1").click()
    say(page, "Again!", 4)
    expect(page.get_by_text("2 of 4 utterances", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [360, 1400])
def test_the_answer_and_the_field_are_seen_together(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None], width: int
) -> None:
    page = open_page(serve(), width=width)
    page.get_by_role("tab", name="Live").click()
    for count in range(1, 9):
        say(page, f"Words {count}.", count)
        page.keyboard.press(str(1 + count % 2))
    say(page, "The last.", 9)
    expect(page.locator("#live-text")).to_be_focused()
    unseen = """names => names.filter((name) => {
      const { left, right, top, bottom } = document.querySelector(name).getBoundingClientRect();
      const found = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return top < 0 || bottom > innerHeight || !document.querySelector(name).contains(found);
    })"""
    assert page.evaluate(unseen, ["#live-text", ".tl-item:last-child"]) == []


def test_starting_anew_says_nothing_of_what_was(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    say(page, "You are late.", 1)
    page.get_by_role("button", name="Start anew").click()
    expect(page.get_by_role("status")).to_have_text("")


def test_speakers_are_chips_with_numbers_that_can_be_named_by_keys(
    serve: Callable[..., str], open_page: Callable[..., Any], say: Callable[..., None]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    field = page.locator("#live-text")
    field.focus()
    page.keyboard.press("F2")
    expect(page.get_by_role("radio", name="Speaker 1", checked=True)).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Speaker 2", checked=True)).to_be_visible()
    page.keyboard.type("It was 2 or 1.")
    expect(field).to_have_value("It was 2 or 1.")
    page.keyboard.press("Enter")
    page.locator(".tl-item").wait_for()
    page.get_by_role("button", name="+ Speaker").press("Enter")
    page.get_by_label("Name of the new speaker").fill("Zoe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Zoe", checked=True)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("F2")
    page.get_by_label("New name of Speaker 2").fill("Ben")
    page.keyboard.press("Enter")
    expect(page.locator(".tl-item .tl-speaker")).to_have_text(["Ben"])
    field.focus()
    say(page, "Again.", 2)
    expect(page.locator(".tl-item .tl-speaker")).to_have_text(["Ben", "Ben"])
    page.get_by_role("main").focus()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("radio")).to_have_text(["Speaker 11", "Speaker 22", "Zoe3"])
