from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.exports import to_csv, to_vtt
from crossspace.analysis.html import MODULES, to_html

HOSTILE = (
    "</script><script>window.hurt = 1</script>",
    "<img src=x onerror='window.hurt = 2'> <!-- <script>",
    "]]> ${window.hurt = 3} ` \u2028 & &lt;b&gt;",
)


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[[Analysis], Any]]:
    """Opens an exported file from its folder, without network, and collects what the browser complains of."""
    context = browser.new_context(offline=True, accept_downloads=True)
    complaints: list[str] = []

    def open_file(analysis: Analysis) -> Any:
        path = tmp_path / "timeline.html"
        path.write_text(to_html(analysis), encoding="utf-8")
        page = context.new_page()
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: complaints.append(request.url) if request.url[:5] not in ("file:", "blob:") else None,
        )
        page.goto(path.as_uri())
        return page

    yield open_file
    context.close()
    assert complaints == []


def test_the_file_holds_the_whole_analysis_and_asks_for_nothing_else(make_analysis: Callable[..., Analysis]) -> None:
    text = to_html(make_analysis())
    embedded = re.search(r'<script type="application/json" id="analysis">(.*?)</script>', text, re.DOTALL)
    assert embedded is not None and json.loads(embedded[1]) == json.loads(json.dumps(make_analysis().to_dict()))
    assert not re.search(r"""(?:src|href)=["'](?!#)|@import|url\(["']?https?:""", text)
    assert "default-src 'none'" in text


def test_every_script_of_the_component_is_in_the_file_and_after_those_it_imports() -> None:
    folder = files("crossspace.analysis") / "timeline"
    assert {path.name for path in folder.iterdir() if path.name.endswith(".js")} == {f"{name}.js" for name in MODULES}
    for place, name in enumerate(MODULES):
        imported = re.findall(r'from "\./(\w+)\.js"', (folder / f"{name}.js").read_text(encoding="utf-8"))
        assert set(imported) <= set(MODULES[:place]), name


def test_names_at_the_top_of_the_scripts_differ_because_they_become_one() -> None:
    folder = files("crossspace.analysis") / "timeline"
    names: list[str] = []
    for name in MODULES:
        names += re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)",
            (folder / f"{name}.js").read_text(encoding="utf-8"),
            re.M,
        )
    assert len(names) == len(set(names))


def test_the_file_draws_itself_without_network(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any]
) -> None:
    page = opened(make_analysis())
    assert page.locator(".tl-item").count() == page.locator(".tl-block").count() == 4
    page.locator(".tl-item").nth(1).click()
    why = page.get_by_role("region", name="Why").inner_text()
    for words in ("Ben", "words 1", "joy 60%", "+31", "−8", "Missing: no face was seen"):
        assert words in re.sub(r"\s+", " ", why)
    assert "One empty cue was left out." in page.get_by_role("region", name="Notes").inner_text()


def test_a_curve_does_not_run_through_a_long_turn_of_somebody_else(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any]
) -> None:
    first, second, third, *rest = make_analysis(6).utterances
    late = [replace(one, start=one.start + 5, end=one.end + 5) for one in (third, *rest)]
    page = opened(replace(make_analysis(6), utterances=(first, replace(second, end=second.end + 5), *late)))
    parts = page.locator(".tl-arc").evaluate_all("arcs => arcs.map((arc) => Number(arc.dataset.parts))")
    assert parts == [2, 1]


def test_an_analysis_without_times_is_drawn_by_position_and_offers_no_webvtt(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any]
) -> None:
    page = opened(make_analysis(timed=False))
    assert page.locator(".tl-block").count() == 4
    page.get_by_role("button", name="Export").click()
    assert page.get_by_role("button", name="WebVTT").is_disabled()


def test_the_file_makes_the_same_files_as_the_library(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any], table: Callable[[str], Any]
) -> None:
    analysis = make_analysis(texts=('=1+1, "said"', "a <b>\n\n--> c & d {\\i}", "- no"))
    # Words that a program heard, of whom nobody knows the name.
    unknown = replace(analysis.utterances[1], speaker="speaker", recognised={"text": 0.5})
    analysis = replace(analysis, utterances=(analysis.utterances[0], unknown, *analysis.utterances[2:]))
    page = opened(analysis)
    saved = {}
    for name in ("CSV", "WebVTT"):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = download.value.path().read_text(encoding="utf-8")
    assert table(saved["CSV"]) == table(to_csv(analysis))
    assert saved["WebVTT"] == to_vtt(analysis)


def test_what_the_model_is_unsure_of_looks_so_and_is_no_moment(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any], table: Callable[[str], Any]
) -> None:
    made = make_analysis(unsure_below=0.7)
    sure = replace(made.utterances[1], confidence=0.7)
    analysis = replace(made, utterances=(made.utterances[0], sure, *made.utterances[2:]))
    page = opened(analysis)
    expect(page.get_by_role("slider", name="Unsure below")).to_have_value("70")
    assert page.locator(".tl-item.tl-unsure").count() == 3
    expect(page.locator(".tl-moment")).to_have_count(1)
    page.locator(".tl-item").first.click()
    expect(page.get_by_role("region", name="Why")).to_contain_text("The model is unsure, as below 70% always.")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert table(download.value.path().read_text(encoding="utf-8")) == table(to_csv(analysis))


def test_the_file_of_the_model_in_the_box_has_its_card_and_no_other_has(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any]
) -> None:
    made = make_analysis()
    expect(opened(made).get_by_text("its card")).to_be_hidden()
    page = opened(replace(made, model={**made.model, "in_the_box": True}))
    page.get_by_text("its card").click()
    expect(page.get_by_role("heading", name="Model card")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="What it must not be used for")).to_be_visible()


def corrected(analysis: Analysis) -> Analysis:
    first, second, *rest = analysis.utterances
    first, second = replace(first, corrected="anger"), replace(second, speaker="=Benedict")
    return replace(analysis, utterances=(first, second, *rest))


def test_corrections_are_in_the_files_that_the_file_makes_as_in_those_of_the_library(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any], table: Callable[[str], Any]
) -> None:
    analysis = corrected(make_analysis())
    page = opened(analysis)
    saved = {}
    for name in ("JSON", "CSV", "WebVTT"):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = download.value.path().read_text(encoding="utf-8")
    assert json.loads(saved["JSON"]) == json.loads(json.dumps(analysis.to_dict()))
    assert table(saved["CSV"]) == table(to_csv(analysis))
    assert saved["WebVTT"] == to_vtt(analysis)


def test_what_is_corrected_in_the_file_is_kept_in_another_such_file(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any], browser: Any, tmp_path: Path
) -> None:
    page = opened(make_analysis(texts=HOSTILE))
    page.locator(".tl-item").nth(1).click()
    page.get_by_role("combobox", name="Emotion").select_option("anger")
    page.get_by_role("combobox", name="Speaker").select_option("Ann")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML").click()
    download.value.save_as(tmp_path / "kept.html")
    page.goto((tmp_path / "kept.html").as_uri())
    assert page.locator(".tl-item .tl-speaker").all_text_contents() == ["Ann", "Ann", "Ann", "Ben"]
    assert page.locator(".tl-item").nth(1).locator(".tl-chip").inner_text().split() == ["anger", "corrected"]
    assert tuple(page.locator(".tl-text").all_text_contents()[:3]) == HOSTILE
    assert page.evaluate("window.hurt") is None


def test_hostile_words_stay_words(make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any]) -> None:
    page = opened(make_analysis(texts=HOSTILE))
    assert page.locator(".tl-item").count() == 4
    assert page.evaluate("window.hurt") is None
    assert page.locator("img").count() == 0
    shown = page.locator(".tl-text").all_text_contents()
    assert tuple(shown[:3]) == HOSTILE


def test_an_empty_conversation_is_drawn_as_such(
    make_analysis: Callable[..., Analysis], opened: Callable[[Analysis], Any]
) -> None:
    page = opened(make_analysis(count=0))
    page.get_by_text("0 utterances").wait_for()
    assert page.locator(".tl-block").count() == 0


def test_a_name_with_markup_does_not_become_markup(make_analysis: Callable[..., Analysis]) -> None:
    analysis = make_analysis()
    object.__setattr__(analysis, "conversation_id", "<b>bold</b>")
    assert "<b>bold</b>" not in to_html(analysis)
