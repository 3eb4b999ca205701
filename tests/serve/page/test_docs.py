from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAULTS = Path(__file__).with_name("faults.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 390), ("light", 1200)])
def test_the_api_is_shown_with_everything_from_this_server(
    serve: Callable[..., str], open_page: Callable[..., Any], scheme: str, width: int
) -> None:
    address = serve()
    page = open_page(address, width=width, color_scheme=scheme)
    page.goto(f"{address}docs")
    page.get_by_role("region", name="Analyze a recording").first.wait_for()
    text = page.get_by_role("main").inner_text()
    for path in ("/v1/health", "/v1/model", "/v1/analyze", "/v1/predict", "/v1/transcript", "/v1/export", "/v1/live"):
        assert path in text
    assert f"curl -F media=@FILE -F transcript=@FILE {address}v1/analyze" in text
    assert "utterances list of object; required; at least 1" in text and "429" in text
    for summary in page.locator("summary").all():
        summary.click()
    assert "what was mended, left out or missing on the way" in page.get_by_role("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(FAULTS) == []
