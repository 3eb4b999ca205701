"""YAML is bounded in what it may unfold to."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import UsageError
from crossspace.yaml_text import parsed_yaml, read_yaml_file


def billions() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    return "\n".join([*lines, *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (billions(), "100,000 values"),
        ("[" * 3000, "nested too deeply|levels"),
        ("[" * 80 + "]" * 80, "64 levels"),
        ("a: &a [*a]", "refers to what it stands in"),
        ("a: &a {b: *a}", "refers to what it stands in"),
        ("a: 1\n  b: 2", "mapping values"),
        ("a: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        (f"a: {'9' * 10_000}", "digits"),
        ("a: \x00", "special characters"),
        ("? [a]\n: b", "unhashable"),
    ],
)
def test_what_cannot_be_a_configuration_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"(?s)space.yaml: a YAML file is expected.*({said})"):
        parsed_yaml(text, "space.yaml", "a YAML file")


def test_a_long_document_ends_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossspace.yaml_text._MOST_VALUES", 1000)
    with pytest.raises(UsageError, match="more than 1,000 values"):  # and not what stands after them
        parsed_yaml("- 1\n" * 1500 + "damage: [", "space.yaml", "a YAML file")
    assert len(parsed_yaml("- 1\n" * 900, "space.yaml", "a YAML file")) == 900


def test_aliases_that_stay_small_are_allowed() -> None:
    assert parsed_yaml("a: &x [1, 2]\nb: *x\nc: {<<: {d: 1}}", "f", "YAML") == {"a": [1, 2], "b": [1, 2], "c": {"d": 1}}
    assert parsed_yaml("", "f", "YAML") is None


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.yaml").write_bytes(b"#" * 4_000_001)
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        with pytest.raises(UsageError, match=name):
            read_yaml_file(tmp_path / name, "a YAML file")


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "a: {b: 1, c: 2, b: 3}", "- {a: 1, 'a': 2}", "a: &x {b: 1, b: 2}\nc: *x"]
)
def test_what_stands_twice_in_a_mapping_is_refused_and_not_half_forgotten(text: str) -> None:
    with pytest.raises(UsageError, match="twice in one mapping, again in line"):
        parsed_yaml(text, "space.yaml", "a YAML file")
