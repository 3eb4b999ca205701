"""Read pickles of containers, numbers, strings and NumPy arrays, and nothing that could execute code.

A pickle is a program. Here it is run by an interpreter of our own (:mod:`crossspace.data.foreign.pickles`), which knows
a short list of names and builds plain values from checked arguments. Whatever else a pickle names is refused by that
name before anything is called; whatever it asks for in memory, depth or work is bounded by the size of its file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from crossspace.data.foreign.pickles.limits import Refused
from crossspace.data.foreign.pickles.machine import Machine
from crossspace.data.foreign.pickles.opcodes import STEPS
from crossspace.errors import DataError
from crossspace.reading import reading

EXPECTED = "a pickle of containers, numbers, strings and NumPy arrays"
_FILLING = b"\0\t\n\r "


def load_pickle(path: str | Path, encoding: str = "latin-1") -> Any:
    """What a pickle file holds, if it is made of containers, numbers, strings and NumPy arrays only.

    Arrays may be read-only. Ordered dictionaries come as dictionaries.

    Args:
        path: the file.
        encoding: of the byte strings that Python 2 wrote.

    Raises:
        DataError: the file is missing, truncated or damaged, asks for more than its size allows, or asks for anything
            else, which is named and not executed.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: {EXPECTED} is expected here. Found a folder.")
    with reading(path, EXPECTED), open(path, "rb") as file:
        return load_stream(file, path, encoding)


def load_stream(file: BinaryIO, name: str | Path, encoding: str = "latin-1") -> Any:
    """As :func:`load_pickle`, from an open file called ``name``."""
    with reading(name, EXPECTED, "It may be truncated: copy or download it again.") as place:
        machine = Machine(file.read(), STEPS, encoding)
        try:
            value = machine.run()
        except Refused as error:
            raise DataError(
                f"{name}: {EXPECTED} is expected. It asks for {error}, which is refused; nothing was executed. "
                "Do not open this file with pickle unless you trust who made it."
            ) from error
        finally:
            # Set in the end, since opcodes are far too many to note each.
            place.at = f"byte {machine.at:,}"
        # Some programs pad files with zeros or blanks; anything else there would be data that nobody reads.
        if machine.data[machine.at :].strip(_FILLING):
            raise DataError(
                f"{name}: one pickle is expected. Found more behind its end, at byte {machine.at:,}. Save everything "
                "in one pickle."
            )
        return value
