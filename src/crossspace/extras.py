"""Libraries that are not always installed, and the extras of crossspace that bring them."""

from __future__ import annotations

import importlib
from types import ModuleType

from crossspace.errors import MissingExtraError


def optional_import(module: str, extra: str) -> ModuleType:
    """Import ``module``; when it is absent, say which extra of crossspace brings it.

    Raises:
        MissingExtraError: the module is not installed, or it is and cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}.")
        if not absent:
            raise MissingExtraError(
                f"{module!r} is needed here, is installed and cannot be imported: {error}. `crossspace doctor` looks "
                f"at all libraries. Install it again with: pip install --force-reinstall 'crossspace[{extra}]'"
            ) from error
        raise MissingExtraError(
            f"{module!r} is needed here and not installed. Install it with: pip install 'crossspace[{extra}]'"
        ) from error
