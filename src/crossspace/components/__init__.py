"""Components by kind and name: those of the package, found by looking, and those from outside, when they are named.

Code from outside enters in three ways and never by itself: :func:`load` imports a file or module that the user names
(``--import`` on the command line), :func:`register` takes a class that is there already, and an installed package that
registers entry points of the group ``crossspace.components`` is imported when one of its names is used.
"""

from __future__ import annotations

from crossspace.components.discovery import discover
from crossspace.components.imports import load, load_again, needed, register, warn_of_changes
from crossspace.components.origin import Origin, recorded
from crossspace.components.registry import Components, imported, origin_of

__all__ = [
    "Components",
    "Origin",
    "discover",
    "imported",
    "load",
    "load_again",
    "needed",
    "origin_of",
    "recorded",
    "register",
    "warn_of_changes",
]
