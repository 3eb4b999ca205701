"""What a person puts right, by mouse and by keys, and where it goes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect


@pytest.fixture
def shown(serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]) -> Any:
    """The page with an analysis of four utterances by Ann and Ben."""
    page = open_page(serve())
    upload(page)
    page.locator(".tl-item").nth(3).wait_for()
    return page


def saved(page: Any, name: str) -> str:
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("group", name="Export").get_by_role("button", name=name).click()
    content: str = download.value.path().read_text(encoding="utf-8")
    return content


def speakers(page: Any) -> list[str]:
    found: list[str] = page.locator(".tl-item .tl-speaker").all_text_contents()
    return found


def test_a_speaker_is_renamed_joined_with_another_and_taken_back(shown: Any) -> None:
    shown.get_by_role("button", name="Rename Ben").click()
    shown.get_by_label("New name of Ben").fill("Benedict")
    shown.keyboard.press("Enter")
    assert speakers(shown) == ["Ann", "Benedict", "Ann", "Benedict"]
    expect(shown.get_by_role("button", name="Rename Benedict")).to_be_focused()
    shown.keyboard.press("Enter")
    shown.get_by_label("New name of Benedict").fill("Ann")
    shown.get_by_role("button", name="Join with Ann").click()
    assert speakers(shown) == ["Ann"] * 4
    expect(shown.locator(".tl-row")).to_have_count(1)
    shown.get_by_role("button", name="Undo").click()
    shown.keyboard.press("Control+z")
    assert speakers(shown) == ["Ann", "Ben", "Ann", "Ben"]
    expect(shown.get_by_role("button", name="Undo")).to_be_hidden()


def test_the_keyboard_alone_corrects_an_emotion_and_who_spoke(shown: Any) -> None:
    listed = shown.get_by_role("listbox", name="Utterances")
    listed.focus()
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("e")
    expect(shown.get_by_role("combobox", name="Emotion")).to_be_focused()
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("ArrowDown")
    expect(shown.locator(".tl-item").first).to_contain_text("anger")
    expect(shown.locator(".tl-item").first).to_contain_text("corrected")
    expect(shown.get_by_role("combobox", name="Emotion")).to_be_focused()
    expect(shown.get_by_role("region", name="Why")).to_contain_text("The model says neutral (60%)")
    shown.keyboard.press("Escape")
    expect(listed).to_be_focused()
    shown.keyboard.press("s")
    shown.keyboard.press("End")
    name = shown.get_by_label("Name of the new speaker")
    expect(name).to_be_focused()
    shown.keyboard.type("Zoe")
    shown.keyboard.press("Enter")
    assert speakers(shown) == ["Zoe", "Ben", "Ann", "Ben"]
    shown.keyboard.press("Control+z")
    shown.keyboard.press("Control+z")
    assert speakers(shown) == ["Ann", "Ben", "Ann", "Ben"]
    expect(shown.locator(".tl-hand-made")).to_have_count(0)


def test_back_to_the_label_of_the_model_leaves_no_correction(shown: Any) -> None:
    shown.locator(".tl-item").nth(1).click()
    shown.get_by_role("combobox", name="Emotion").select_option("anger")
    expect(shown.get_by_text("4 utterances, 1 corrected by hand")).to_be_visible()
    expect(shown.locator(".tl-hand")).to_have_count(1)
    shown.get_by_role("button", name="Back to joy").click()
    expect(shown.get_by_text("4 utterances", exact=True)).to_be_visible()
    assert all("corrected" not in one for one in json.loads(saved(shown, "JSON"))["utterances"])
    assert "corrected" not in saved(shown, "CSV").splitlines()[0]


def test_corrections_are_not_left_behind_without_a_question_until_they_are_exported(shown: Any) -> None:
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    shown.on("dialog", refuse)
    shown.locator(".tl-item").nth(1).click()
    shown.get_by_role("combobox", name="Emotion").select_option("anger")
    shown.get_by_role("button", name="Start anew").click()
    assert len(asked) == 1 and "not exported" in asked[0]
    expect(shown.locator(".tl-hand-made")).to_have_count(1)
    saved(shown, "ELAN")
    shown.get_by_role("button", name="Start anew").click()
    expect(shown.get_by_role("button", name="Analyze")).to_be_visible()
    assert len(asked) == 1


def test_every_export_has_the_new_name_and_the_corrected_emotion(shown: Any) -> None:
    shown.get_by_role("button", name="Rename Ben").click()
    shown.get_by_label("New name of Ben").fill("Benedict")
    shown.keyboard.press("Enter")
    shown.locator(".tl-item").nth(1).click()
    shown.get_by_role("combobox", name="Emotion").select_option("anger")
    one = json.loads(saved(shown, "JSON"))["utterances"][1]
    assert (one["speaker"], one["label"], one["corrected"]) == ("Benedict", "joy", "anger")
    row = list(csv.DictReader(io.StringIO(saved(shown, "CSV"))))[1]
    assert (row["speaker"], row["label"], row["corrected"]) == ("Benedict", "joy", "anger")
    assert "<v Benedict><c.anger>words 1" in saved(shown, "WebVTT")
    assert "Benedict: words 1 [anger corrected]" in saved(shown, "SRT")
    assert "corrected emotion@Benedict" in saved(shown, "ELAN")
    assert "corrected emotion@Benedict" in saved(shown, "Praat")
    assert " Benedict " in saved(shown, "RTTM")
    assert '"corrected": "anger"' in saved(shown, "HTML")


def test_what_a_machine_recognised_is_marked_until_a_person_says_it(shown: Any, analyzer: Any) -> None:
    shown.route("**/v1/analyze*", lambda route: route.fulfill(json=with_recognised(analyzer)))
    shown.get_by_role("button", name="Start anew").click()
    shown.get_by_role("button", name="Try an example").click()
    expect(shown.locator(".tl-item .tl-heard")).to_have_count(1)
    shown.locator(".tl-item").first.click()
    why = shown.get_by_role("region", name="Why")
    expect(why).to_contain_text("words 83%, speaker 40%")
    why.get_by_role("combobox", name="Speaker").select_option("Ben")
    expect(why).to_contain_text("with a confidence of: words 83%")
    expect(why).not_to_contain_text("speaker 40%")


def with_recognised(analyzer: Any) -> dict[str, Any]:
    analysis: dict[str, Any] = analyzer.make().to_dict()
    analysis["utterances"][0]["recognised"] = {"text": 0.83, "speaker": 0.4}
    return analysis
