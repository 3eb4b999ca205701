"""Which modality takes the part of the text in a model that is built around it."""

from __future__ import annotations

from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError, suggestion


def leading_modality(task: TaskSpec, chosen: str | None) -> str:
    """The one that is chosen; else ``text``, or the first of a task that has no text.

    Raises:
        UsageError: the task has no such modality.
    """
    if chosen is not None and chosen not in task.widths:
        raise UsageError(f"`leading` should be a modality of the task. {suggestion(chosen, task.modalities)}")
    return chosen or ("text" if "text" in task.widths else task.modalities[0])
