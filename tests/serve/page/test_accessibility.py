from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

FAULTS = Path(__file__).with_name("faults.js").read_text(encoding="utf-8")
"""A function of JavaScript: names, ids, order of headings and contrast of text; gives what is wrong."""


def test_the_keyboard_alone_is_enough(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.locator("#wave [part~=region]").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 1")
    page.keyboard.press("k")
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 0")
    page.keyboard.press("Space")
    page.wait_for_function("() => !document.querySelector('video').paused")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video').paused")
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 3")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_label("Keys work everywhere").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("main").focus()
    page.keyboard.press("k")
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_a_phone_and_everything_can_be_read(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], scheme: str
) -> None:
    page = open_page(serve(), width=360, color_scheme=scheme)

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(FAULTS) == []

    page.get_by_role("button", name="Keys").click()
    page.get_by_role("checkbox", name="Keys work everywhere").press("Escape")
    for tab in ("Paste", "Live", "Recording"):
        page.get_by_role("tab", name=tab).click()
        check()
    upload(page)
    page.locator("#wave [part~=region]").first.wait_for()
    check()
    page.locator(".tl-item").nth(1).click()
    check()
    page.get_by_role("button", name="Close the explanation").click()
    expect(page.locator(".tl-item[aria-selected=true]")).to_have_count(0)
    assert page.evaluate("document.activeElement.getAttribute('aria-activedescendant')") == "utterance-1"
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("region", name="Why")).to_contain_text("words 2")


def test_the_theme_can_be_chosen_and_is_kept(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(), color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Change to dark colours").click()
    dark = page.evaluate(background)
    page.reload()
    assert page.evaluate(background) == dark != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_field_is_for_can_be_read_and_grows_with_the_letters_of_the_reader(
    serve: Callable[..., str], open_page: Callable[..., Any], scheme: str
) -> None:
    page = open_page(serve(), color_scheme=scheme)
    muted, placeholder, size = page.evaluate("""() => {
      const style = (node, pseudo) => getComputedStyle(document.querySelector(node), pseudo);
      document.documentElement.style.fontSize = "20px";
      return [style(".lead").color, style("#pasted", "::placeholder").color, style("body").fontSize];
    }""")
    assert placeholder == muted and size == "20px"


def test_what_is_chosen_is_seen_in_forced_colours(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve(), forced_colors="active")
    upload(page)
    page.locator(".tl-item").nth(1).click()
    page.get_by_role("button", name="Ben 2").click()
    style = "(nodes, name) => nodes.slice(0, 3).map((node) => getComputedStyle(node)[name])"
    assert page.locator(".tl-item").evaluate_all(style, "outlineStyle") == ["none", "solid", "none"]
    everyone, ann, ben = page.locator(".tl .tl-toggle").evaluate_all(style, "backgroundColor")
    assert everyone == ann != ben
    shown, meant = page.get_by_role("button", name="Ben 2").evaluate("""(node) => {
      const shown = getComputedStyle(node).color;
      node.style.color = "HighlightText";
      return [shown, getComputedStyle(node).color];
    }""")
    assert shown == meant
