"""The command that trains a run again, as it is typed in its folder."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

from crossspace.components.origin import option, readable
from crossspace.evaluation.run_folder import RunRecord
from crossspace.stores import is_address

_PLACEHOLDER = "CORPUS.parquet"


@dataclass(frozen=True)
class Repeat:
    """The command, and whether the corpus is where it looks for it."""

    command: str
    has_corpus: bool


def repeat_command(record: RunRecord) -> Repeat:
    """The command, for a shell whose working folder is the run folder; it writes into the folder ``again`` there.

    The corpus is named as seen from there. Where it no longer is, a placeholder stands for it.
    """
    corpus = _corpus(record)
    data = shlex.quote(corpus) if corpus else _PLACEHOLDER
    imports = [option(entry) for entry in readable(record.environment.get("imports"))]
    words = ["crossspace train --config config.yaml --data", data, "--out again", *imports]
    return Repeat(" ".join(words), corpus is not None)


def _corpus(record: RunRecord) -> str | None:
    """The corpus file as seen from the run folder.

    Runs of older releases say only where it was seen from the folder in which they were started, which helps when it
    is an absolute path.
    """
    path = record.environment["corpus"].get("path")
    if path is None:
        path = _stated(record.config)
        # A relative one was seen from a folder that nobody knows any more.
        path = path if path and (is_address(path) or Path(path).is_absolute()) else None
    # Whether it is still on the store is for the new run to find out: a report asks nobody.
    return str(path) if path and (is_address(path) or (record.folder / str(path)).is_file()) else None


def _stated(config: str) -> str | None:
    """The corpus that ``config.yaml`` names; the rest of the file is not looked at."""
    # Damage further down in the file is for the new run to report.
    line = next((line for line in config.splitlines() if line.startswith("data:")), "")
    try:
        content = yaml.safe_load(line)
    except yaml.YAMLError:
        return None
    return content["data"] if isinstance(content, dict) and isinstance(content.get("data"), str) else None
