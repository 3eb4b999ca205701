"""Where exported models are: in a folder, or in a repository of a hub."""

from __future__ import annotations

from pathlib import Path

from crossspace.digests import SUMS
from crossspace.hub import HubName, fetching, is_hub_name
from crossspace.onnx.description import DESCRIPTION, MODEL, REQUIREMENTS, TEXT_MODEL, TOKENIZER
from crossspace.stores import Where, place

CARD = "README.md"
EXPORTED_FILES = (DESCRIPTION, MODEL, TEXT_MODEL, TOKENIZER, REQUIREMENTS, SUMS, CARD)
"""What ``crossspace export`` writes."""


def is_exported(folder: str | Path) -> bool:
    """Whether ``crossspace export`` has written the folder."""
    return (Path(folder) / DESCRIPTION).is_file()


def exported_folder(source: Where) -> Path | None:
    """The folder of an exported model, fetched from a hub if need be; ``None`` where ``source`` is something else.

    Args:
        source: a folder, or ``owner/name`` or ``owner/name@revision``.

    Raises:
        DataError: the hub does not give it.
        UsageError: it is no name of a hub.
    """
    folder = place(source)
    if not isinstance(folder, Path):
        return None
    # A folder wins over a name on a hub, which then takes no network.
    if not is_hub_name(folder):
        return folder if is_exported(folder) else None
    return _fetched(HubName.read(str(source)))


def _fetched(name: HubName) -> Path | None:
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    with fetching(name):
        try:
            found = Path(hf_hub_download(name.repository, DESCRIPTION, revision=name.revision))
        except (EntryNotFoundError, LocalEntryNotFoundError):
            # A model of PyTorch, or no network and no copy: who looks for such a model says what is wrong.
            return None
        # Of the same commit: the branch may have moved meanwhile.
        commit = found.parent.name
        return Path(snapshot_download(name.repository, revision=commit, allow_patterns=list(EXPORTED_FILES)))
