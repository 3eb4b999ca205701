"""What a corpus says of itself, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.data.store.metadata import Metadata
from crossspace.data.task import TaskSpec


class Described:
    """Base of whatever has a description: each part of it as a property.

    Attributes:
        metadata: the whole description.
    """

    metadata: Metadata

    @property
    def spec(self) -> TaskSpec:
        """Labels, widths and speakers: all that a model has to know."""
        return self.metadata.spec

    @property
    def name(self) -> str:
        """Short name of the corpus."""
        return self.metadata.name

    @property
    def source(self) -> str:
        """Where the corpus came from."""
        return self.metadata.source

    @property
    def licence(self) -> str:
        """The terms under which the corpus may be used."""
        return self.metadata.licence

    @property
    def extractors(self) -> Mapping[str, Mapping[str, Any]]:
        """``{modality: {"name", "version", "parameters"}}``, what made the features, where it is known."""
        return self.metadata.extractors

    @property
    def heard(self) -> Mapping[str, str]:
        """``{conversation: what was heard of its recording}`` where a track or channels were chosen."""
        return self.metadata.heard

    @property
    def ceilings(self) -> Mapping[str, float]:
        """``{split: accuracy}`` that nobody can expect to surpass there, where the process is known."""
        return self.metadata.ceilings

    @property
    def cut(self) -> Mapping[str, Any]:
        """``{"rule", "fraction", "seed"}`` by which splits were cut; empty where they are those of the source."""
        return self.metadata.cut
