"""What every importer is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


class Importer(ABC):
    """Reads one format. The constructor takes the options, by keyword; :meth:`read` takes the file.

    Attributes:
        format: how users call it; where it says nothing, it is called like its file.
        needs_source: False for an importer that makes its corpus up and reads nothing.
    """

    format: ClassVar[str] = ""
    needs_source: ClassVar[bool] = True

    @abstractmethod
    def read(self, source: str | Path) -> Corpus:
        """The corpus that ``source`` holds.

        Raises:
            DataError: the source cannot be read or does not hold together; every fault is named.
            UsageError: the options do not fit the source.
        """
