"""The page offers to read the files that the library reads."""

from __future__ import annotations

import re
from importlib.resources import files

from crossspace.features.sources import TRANSCRIPTS


def test_the_page_takes_the_transcripts_that_are_read() -> None:
    page = files("crossspace.serve").joinpath("page")
    pattern = re.search(r"TRANSCRIPT = /\\\.\(([a-z|]+)\)\$/i", page.joinpath("files.js").read_text())
    accepted = re.search(r'id="transcript" accept="([^"]+)"', page.joinpath("index.html").read_text())
    assert {f".{ending}" for ending in pattern[1].split("|")} == TRANSCRIPTS
    assert {kind for kind in accepted[1].split(",") if "/" not in kind} == TRANSCRIPTS
