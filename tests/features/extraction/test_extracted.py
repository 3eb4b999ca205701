"""What an extractor of anybody's returns is looked at before it is kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from crossspace.errors import UsageError
from crossspace.features.extraction.extracted import extracted
from crossspace.features.extractors.base import Missing

FINE = np.zeros(3, np.float32)


def of(answer: Any) -> Any:
    return extracted(SimpleNamespace(name="odd", width=3, extract=lambda items: answer), ["a", "b"])  # type: ignore


def test_vectors_and_reasons_pass() -> None:
    assert of([FINE, Missing("silent")])[1] == Missing("silent") and len(of(np.zeros((2, 3)))) == 2


@pytest.mark.parametrize(
    "answer", [None, [FINE], [FINE] * 3, [FINE, FINE[:2]], [FINE, None], [FINE, FINE * np.nan], [FINE, FINE + np.inf]]
)
def test_another_number_width_or_kind_is_refused(answer: Any) -> None:
    with pytest.raises(UsageError, match=r"Extractor 'odd'.*Found"):
        of(answer)
