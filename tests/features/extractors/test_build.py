from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError, MismatchError, UsageError
from crossspace.features.extractors import build, from_identity


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("minlim", "Did you mean 'minilm'"),
        ("minilm:large", "takes nothing after a colon"),
        ("transformers", "needs 'model': write transformers:MODEL"),
        ("transformers:", "needs 'model'"),
        ("transformers:x,poling=cls", "has no option 'poling'. Did you mean 'pooling'"),
        ("transformers:x,pooling=max", "should be cls or mean. Found 'max'"),
    ],
)
def test_what_cannot_be_built_says_why(wanted: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build("text", wanted)


def test_a_number_is_asked_for_where_words_are_given(folders: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"should be a number\. Found 'last'"):
        build("audio", f"transformers:{folders['audio']},layer=last")


def test_a_comma_may_stand_in_the_name_of_a_folder(folders: dict[str, Path], tmp_path: Path) -> None:
    odd = tmp_path / "mine, v2"
    odd.symlink_to(folders["text"], target_is_directory=True)
    made = build("text", f"transformers:{odd}, pooling=mean")
    assert made.parameters["pooling"] == "mean"


def test_a_folder_that_is_not_here_is_asked_for_by_its_option(folders: dict[str, Path], tmp_path: Path) -> None:
    identity = build("text", f"transformers:{folders['text']}").identity
    elsewhere = {**identity, "parameters": {**identity["parameters"], "model": "./tiny-elsewhere"}}
    with pytest.raises(DataError, match=r"tiny-elsewhere.*--text transformers:PATH"):
        from_identity("text", elsewhere)


def test_another_network_under_the_same_name_is_refused(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folders["text"].parent)
    identity = build("text", "transformers:tiny-text").identity
    with pytest.raises(MismatchError, match="sha256:0000"):
        from_identity("text", {**identity, "version": "sha256:0000"})


def test_a_record_without_what_it_needs_is_named() -> None:
    with pytest.raises(DataError, match="recorded with 'model'"):
        from_identity("text", {"name": "transformers", "version": "1", "parameters": {}})
