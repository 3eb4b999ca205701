"""The exceptions that crossspace raises for faults a user can mend.

Every message names the thing, what was expected, what was found and what to do next. The command line prints
the message alone; ``exit_code`` is what it then returns.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CrossspaceError(Exception):
    """Base of every error that crossspace raises on purpose."""

    exit_code = 1


class UsageError(CrossspaceError):
    """An option, a configuration or a component name that cannot be used as given."""

    exit_code = 2


class UnsuitableError(UsageError):
    """A model, set as it is, that cannot be trained on a corpus: others in the same study can."""


class DataError(CrossspaceError):
    """A corpus, a feature file or a conversation that cannot be read or does not hold together."""


class MismatchError(CrossspaceError):
    """Two things that must agree, such as a model and a corpus, do not."""


class TrainingError(CrossspaceError):
    """Training cannot go on, for example because a loss is not finite."""


class WritingError(CrossspaceError):
    """What was computed could not be written: no space, no permission. Nothing is wrong with what was asked for."""


class MissingExtraError(CrossspaceError):
    """An optional library is needed and not installed."""


class CrossspaceWarning(UserWarning):
    """Something that a user should know and that stops nothing; the command line prints it as a note."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """A clause with the names of ``known`` nearest to ``name``, or with all of them when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(repr(k) for k in near) + "?"
    return "Known: " + ", ".join(known) + "."
