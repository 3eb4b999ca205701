from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
    assert "words 1" in page.get_by_role("region", name="Why").inner_text()
    page.keyboard.press("k")
    assert "words 0" in page.get_by_role("region", name="Why").inner_text()
    page.keyboard.press("Space")
    page.wait_for_function("!document.querySelector('video').paused")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('video').paused")
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    assert "words 3" in page.get_by_role("region", name="Why").inner_text()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_label("Keys work everywhere").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("main").focus()
    page.keyboard.press("k")
    assert "words 3" in page.get_by_role("region", name="Why").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_a_phone_and_everything_can_be_read(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], scheme: str
) -> None:
    page = open_page(serve(), width=360, color_scheme=scheme)

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(FAULTS) == []

    for tab in ("Paste", "Live", "Recording"):
        page.get_by_role("tab", name=tab).click()
        check()
    upload(page)
    page.locator("#wave [part~=region]").first.wait_for()
    check()
    page.get_by_role("option").nth(1).click()
    check()
    page.get_by_role("button", name="Close the explanation").click()
    assert not page.get_by_role("option", selected=True).count()


def test_the_theme_can_be_chosen_and_is_kept(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(), color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Change to dark colours").click()
    dark = page.evaluate(background)
    page.reload()
    assert page.evaluate(background) == dark != light
