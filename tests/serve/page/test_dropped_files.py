from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect


@pytest.fixture
def drop() -> Callable[..., None]:
    """Drops files of the given names and types on the page."""

    def act(page: Any, *files: tuple[str, str]) -> None:
        page.evaluate(
            """files => {
              const carried = new DataTransfer();
              for (const [name, type] of files) carried.items.add(new File(["x"], name, { type }));
              const event = { dataTransfer: carried, bubbles: true, cancelable: true };
              document.body.dispatchEvent(new DragEvent("drop", event));
            }""",
            files,
        )

    return act


def test_files_are_seen_whatever_tab_they_are_dropped_on(
    serve: Callable[..., str], open_page: Callable[..., Any], drop: Callable[..., None]
) -> None:
    page = open_page(serve(), expected="422")
    page.get_by_role("tab", name="Paste").click()
    drop(page, ("talk.mp4", "video/mp4"), ("talk.srt", ""))
    expect(page.locator("#media-name")).to_have_text("talk.mp4")
    expect(page.locator("#transcript-name")).to_have_text("talk.srt")
    expect(page.get_by_role("tab", name="Recording", selected=True)).to_be_visible()


def test_a_file_of_a_kind_that_is_not_known_is_the_recording_only_if_it_comes_alone(
    serve: Callable[..., str], open_page: Callable[..., Any], drop: Callable[..., None]
) -> None:
    page = open_page(serve(), expected="422")
    drop(page, ("talk.ts2", ""))
    expect(page.locator("#media-name")).to_have_text("talk.ts2")
    drop(page, ("talk.vtt", "text/vtt"), ("notes.pdf", "application/pdf"))
    page.get_by_role("alert").get_by_text("notes.pdf is neither a recording nor a transcript").wait_for()
    drop(page, ("voice.amr", "audio/amr"), ("talk.vtt", "text/vtt"))
    expect(page.locator("#media-name")).to_have_text("voice.amr")
    expect(page.locator("#error")).to_be_hidden()


def test_two_recordings_are_one_too_many(
    serve: Callable[..., str], open_page: Callable[..., Any], drop: Callable[..., None]
) -> None:
    page = open_page(serve(), expected="422")
    drop(page, ("a.mp4", "video/mp4"), ("b.wav", "audio/wav"))
    page.get_by_role("alert").get_by_text("There are two recordings, a.mp4 and b.wav.").wait_for()
    expect(page.locator("#media-name")).to_have_text("none chosen")
    expect(page.get_by_role("button", name="Analyze")).to_be_disabled()
