"""What an extractor returns, looked at before a cache keeps it."""

from __future__ import annotations

import numpy as np

from crossspace.errors import UsageError
from crossspace.features.extractors.base import Extractor, Feature, Missing


def extracted(extractor: Extractor, items: list) -> list[Feature]:
    """What an extractor makes of ``items``.

    Raises:
        UsageError: it is not one vector of the stated width, or a reason, per item; the cache would keep it for good.
    """
    features = extractor.extract(items)
    shape = (extractor.width,)
    wrong = [f for f in features if not isinstance(f, Missing) and np.shape(f) != shape] if _many(features) else []
    if not _many(features) or len(features) != len(items) or wrong:
        found = f"one of shape {np.shape(wrong[0])}" if wrong else f"{len(features)}" if _many(features) else features
        raise UsageError(
            f"Extractor {extractor.name!r}: `extract` should return a vector of shape {shape}, or a `Missing`, for "
            f"each of {len(items)} items. Found {found}. Mend `{type(extractor).__qualname__}`."
        )
    if not all(isinstance(f, Missing) or np.isfinite(f).all() for f in features):
        raise UsageError(
            f"Extractor {extractor.name!r}: features should be finite numbers. Found others. Return a `Missing` with "
            f"the reason instead, or mend `{type(extractor).__qualname__}.extract`."
        )
    return list(features)


def _many(features: object) -> bool:
    return isinstance(features, (list, tuple, np.ndarray))
