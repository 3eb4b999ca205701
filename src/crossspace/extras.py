"""Libraries that are not always installed, and the extras of crossspace that bring them."""

from __future__ import annotations

import importlib
from types import ModuleType

from crossspace.errors import MissingExtraError


def optional_import(module: str, extra: str) -> ModuleType:
    """Import ``module``; when it is absent, say which extra of crossspace brings it.

    Raises:
        MissingExtraError: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module!r} is needed here and not installed. Install it with: pip install 'crossspace[{extra}]'"
        ) from error
