"""Where exported models are: in a folder, or in a repository of a hub."""

from __future__ import annotations

from contextlib import suppress
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
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    def fetch(file: str, revision: str | None) -> Path:
        return Path(hf_hub_download(name.repository, file, revision=revision))

    with fetching(name):
        try:
            # No network and no copy is an error of the same kind.
            folder = fetch(DESCRIPTION, name.revision).parent
        except EntryNotFoundError:
            # Who looks for a model of PyTorch says what is wrong, if it is none either.
            return None
        # Of the same commit: the branch may have moved meanwhile. Digests say which files there are.
        stated = fetch(SUMS, folder.name).read_bytes().decode("utf-8", "replace").split()
        for file in (MODEL, TEXT_MODEL, TOKENIZER):
            if file == MODEL or file in stated:
                fetch(file, folder.name)
        with suppress(EntryNotFoundError):
            fetch(CARD, folder.name)
        return folder
