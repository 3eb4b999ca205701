"""The list of mutations speaks of lines and tests that are there."""

from __future__ import annotations

import pytest

from benchmarks.mutations import MUTATIONS, ROOT, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_line_of_a_mutation_stands_once_in_its_file_and_its_tests_are_there(mutation: Mutation) -> None:
    text = (ROOT / "src" / "crossspace" / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.line) == 1 and mutation.changed != mutation.line
    assert (ROOT / "tests" / mutation.tests).is_file()
