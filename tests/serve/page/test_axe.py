"""The rules of axe-core, where it is there: AXE_CORE names its `axe.min.js` (from `npm pack axe-core`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

AXE = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
RUN = """async () => {
  const { violations } = await axe.run(document);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}"""

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there; AXE_CORE names its axe.min.js.")


@pytest.fixture
def check() -> Callable[[Any], None]:
    code = AXE.read_text(encoding="utf-8") if AXE.is_file() else ""

    def audit(page: Any) -> None:
        # Through the debugger, which the content security policy of the page does not hold back.
        page.evaluate(code)
        assert page.evaluate(RUN) == []

    return audit


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_rule_is_broken_on_any_view(
    serve: Callable[..., str],
    open_page: Callable[..., Any],
    upload: Callable[[Any], None],
    check: Callable[[Any], None],
    width: int,
    scheme: str,
) -> None:
    address = serve()
    page = open_page(address, width=width, color_scheme=scheme)
    page.get_by_text("Model: tiny").wait_for()
    check(page)
    page.get_by_role("tab", name="Paste").click()
    page.locator("#pasted").fill("ANN: Late again.\nBEN: Sorry.\n")
    page.locator(".preview-title").wait_for()
    check(page)
    page.get_by_role("tab", name="Live").click()
    page.locator("#live-text").fill("Late again.")
    page.keyboard.press("Enter")
    page.locator(".tl-item").wait_for()
    check(page)
    page.get_by_role("button", name="Start anew").click()
    page.get_by_role("tab", name="Recording").click()
    upload(page)
    page.locator("#wave [part~=region]").first.wait_for()
    page.locator(".tl-item").nth(1).click()
    page.get_by_role("combobox", name="Emotion").select_option("anger")
    page.get_by_role("button", name="Rename Ben").click()
    check(page)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("group", name="Export")).to_be_visible()
    check(page)
    page.goto(f"{address}docs")
    page.get_by_role("region", name="Analyze a recording").first.wait_for()
    check(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_no_rule_is_broken_in_the_exported_file(
    browser: Any,
    make_analysis: Callable[..., Any],
    tmp_path: Path,
    check: Callable[[Any], None],
    width: int,
    scheme: str,
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page = context.new_page()
    page.goto(make_analysis().save(tmp_path / "talk.html").as_uri())
    page.locator(".tl-item").nth(1).click()
    check(page)
    context.close()
