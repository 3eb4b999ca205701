"""A library that lacks and one that is broken are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import MissingExtraError
from crossspace.extras import optional_import


def test_what_is_not_installed_is_named_with_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"'no_such_one' is needed here and not installed.*crossspace\[media\]"):
        optional_import("no_such_one", "media")


@pytest.mark.parametrize("code", ["import not_there_either", "raise ImportError('of another release')"])
def test_what_is_installed_and_broken_is_said_to_be(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_a_library.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"is installed and cannot be imported: .*`crossspace doctor`"):
        optional_import("half_a_library", "media")
