"""Models by name on a hub: what a name is, and what goes wrong there in words that help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crossspace.errors import CrossspaceError, DataError, UsageError, WritingError

_NAME = re.compile(r"(?![.-])(?!.*(--|\.\.|\.git$|[.-]/|/[.-]|[.-]$))[A-Za-z0-9._-]{1,96}/[A-Za-z0-9._-]{1,96}")
"""As hubs allow them: neither two dashes or dots in a row, nor one of them at an end."""
_LOG_IN = "Log in with 'hf auth login', or set HF_TOKEN to a token of an account that may."


@dataclass(frozen=True)
class HubName:
    """A repository on a hub.

    Attributes:
        repository: ``owner/name``.
        revision: a branch, a tag or a commit; the main branch if none.
    """

    repository: str
    revision: str | None = None

    @classmethod
    def read(cls, text: str) -> HubName:
        """``owner/name`` or ``owner/name@revision``.

        Raises:
            UsageError: it is neither.
        """
        repository, at, revision = text.partition("@")
        if not _NAME.fullmatch(repository) or (at and not revision):
            raise UsageError(f"A name on a hub should be owner/name, or owner/name@revision. Found {text!r}.")
        return cls(repository, revision or None)


def is_hub_name(folder: Path) -> bool:
    """Whether a name that might be a folder's is one on a hub: it has two parts, of which nothing is here."""
    # Where a local folder called owner exists, a typing mistake is likelier.
    return len(folder.parts) == 2 and not folder.exists() and not folder.parent.exists()


@contextmanager
def fetching(name: HubName) -> Iterator[None]:
    """Inside, what goes wrong at the hub becomes a :class:`DataError` that names it."""
    try:
        yield
    except CrossspaceError:
        raise
    except Exception as error:  # the client raises those of several libraries
        raise DataError(f"{name.repository} is no local folder, and {_reason(name, error)}") from error


@contextmanager
def sending(name: HubName) -> Iterator[None]:
    """Inside, what goes wrong at the hub becomes a :class:`WritingError` that names it."""
    try:
        yield
    except CrossspaceError:
        raise
    except Exception as error:
        raise WritingError(f"{name.repository} was not written: {_reason(name, error)}") from error


def _reason(name: HubName, error: Exception) -> str:
    from huggingface_hub import constants, get_token
    from huggingface_hub import errors as known

    hub = f"the hub at {constants.ENDPOINT}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, known.LocalEntryNotFoundError):
        return f"{hub} could not be reached, and no copy is in the cache. Check the network, or give a folder."
    if isinstance(error, known.EntryNotFoundError):
        return f"the repository lacks a file of a crossspace model ({_last_word(error)}). Check the name."
    if isinstance(error, known.RevisionNotFoundError):
        return f"the repository has no revision {name.revision or 'main'!r}. Check it, or leave it out."
    if isinstance(error, known.GatedRepoError):
        return f"{hub} lets only those read it who accepted its terms. Do so on its page, then: {_LOG_IN}"
    if isinstance(error, known.LocalTokenNotFoundError) or (status in (401, 403) and not get_token()):
        return f"{hub} does not know who asks. {_LOG_IN}"
    if isinstance(error, known.RepositoryNotFoundError):
        return f"{hub} has no such repository, or it is private. Check the name. {_LOG_IN}"
    if status in (401, 403):
        return f"{hub} does not allow it with this token ({status}). {_LOG_IN}"
    if isinstance(error, known.HFValidationError):
        return f"{name.repository!r} should be owner/name. {_one_line(error)}."
    if status is not None:
        return f"{hub} answered with {status}: {_one_line(error)}. Try again later."
    return f"the connection to {hub} failed: {_one_line(error)}. Try again; what is complete is kept."


def _last_word(error: Exception) -> str:
    """The file that a message about a missing one names."""
    found = re.search(r"resolve/[^/\s]+/(\S+?)[.\s]*$", str(error), re.MULTILINE)
    return found[1] if found else "config.json or model.safetensors"


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200].rstrip(".")
