from __future__ import annotations

import inspect

import pytest

from crossspace.data import importers
from crossspace.data.importers.base import Importer
from crossspace.errors import UsageError


def test_the_folder_is_the_list():
    assert importers.names() == ["arrays", "sdt", "synthetic"] or set(importers.names()) > {
        "arrays",
        "sdt",
        "synthetic",
    }


@pytest.mark.parametrize("name", importers.names())
def test_every_importer_says_what_it_does_and_takes_documented_keywords(name):
    importer = importers.find(name)
    assert issubclass(importer, Importer)
    assert not inspect.isabstract(importer)
    for option in inspect.signature(importer).parameters.values():
        assert option.kind is inspect.Parameter.KEYWORD_ONLY
        assert option.annotation is not inspect.Parameter.empty
        assert option.name in importer.__doc__.partition("Args:")[2]


def test_an_unknown_importer_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'arrays'"):
        importers.find("array")
    with pytest.raises(UsageError):
        importers.find("base")
