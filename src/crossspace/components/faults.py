"""What fails in code of a user's own while a command runs it, told in a sentence that names the line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from crossspace.components.registry import imported
from crossspace.errors import CrossspaceError, UsageError


@contextmanager
def own_faults_told() -> Iterator[None]:
    """Inside, what is raised by code from outside is a :class:`UsageError`; our own faults keep their traceback."""
    try:
        yield
    except CrossspaceError:
        raise
    except (Exception, SystemExit) as error:  # code of the user may raise anything, and may end the program
        place = _place(error.__traceback__)
        if place is None:
            raise
        said = " ".join(str(error).split()) or "no message"
        raise UsageError(
            f"{place} failed with {type(error).__name__}: {said[:500]}. Mend it there; `Model`, `Objective`, "
            "`Balancer` and the other base classes say what each method should return."
        ) from error


def _place(trace: TracebackType | None) -> str | None:
    """The innermost line of code from outside that a traceback passes through; None when it passes through none."""
    tops = {origin.module.partition(".")[0] for origin in imported()}
    place = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in tops:
            place = f"{code.co_filename}, line {trace.tb_lineno}: `{getattr(code, 'co_qualname', code.co_name)}`"
        trace = trace.tb_next
    return place
