"""Digests beside what was written, so that what comes back can be known to be the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from crossspace.errors import DataError
from crossspace.runtime import write_text
from crossspace.stores import Where, place

SUMS = "SHA256SUMS"
"""Its lines are those of the command ``sha256sum``, which checks them too: ``sha256sum --check SHA256SUMS``."""
_ADVICE = f"Copy the folder again, or run again; a change made on purpose is accepted once {SUMS} is removed."
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\x00]+)")


def file_digest(path: Where) -> str:
    """SHA-256 of the content of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with place(path).open("rb") as file:
        # Models and tables may be larger than the memory.
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_sums(folder: Where, names: Sequence[str]) -> None:
    """Write the digests of those of the named files that are in ``folder``."""
    folder = place(folder)
    lines = [f"{file_digest(folder / name)}  {name}\n" for name in names if (folder / name).is_file()]
    write_text(folder / SUMS, "".join(lines))


def check_sums(folder: Where, advice: str = _ADVICE) -> None:
    """Compare the files of a folder with the digests beside them; a folder without digests passes.

    Args:
        folder: of a run, a model, an encoder.
        advice: what helps where a file is another.

    Raises:
        DataError: a file is not what was written; every one is named.
    """
    folder = place(folder)
    if not (folder / SUMS).exists():
        return
    faults = []
    # As bytes with replacement: damage of the list itself is named by its line, and raises nothing.
    for number, line in enumerate((folder / SUMS).read_bytes().decode("utf-8", "replace").splitlines(), 1):
        entry = _LINE.fullmatch(line)
        if entry is None:
            faults.append(f"line {number} of {SUMS} is damaged")
        elif not (folder / entry[2]).is_file():
            faults.append(f"{entry[2]} is missing")
        elif file_digest(folder / entry[2]) != entry[1]:
            faults.append(f"{entry[2]} was changed or damaged")
    if faults:
        raise DataError(f"{folder} should hold what was written there: {'; '.join(faults)}. {advice}")
