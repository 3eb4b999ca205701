"""Puts a model on a hub, with its card."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from crossspace.analysis.card import CARD
from crossspace.hub import HubName, sending
from crossspace.models.saved import CONFIG, WEIGHTS
from crossspace.predict import Predictor
from crossspace.runtime import write_text

FILES = (CONFIG, WEIGHTS, CARD)


def push(predictor: Predictor, name: HubName, card: str, *, private: bool = False) -> str:
    """Write a model and its card to a repository, which is made if there is none; returns the address of the commit.

    The files appear together, in one commit, or not at all.

    Args:
        predictor: of the model.
        name: where to; the revision is a branch that exists.
        card: in Markdown.
        private: whether a repository that is made is private; one that exists stays as it is.

    Raises:
        WritingError: the hub could not be reached, or did not allow it.
    """
    with tempfile.TemporaryDirectory() as temporary:
        predictor.model.save(Path(temporary))
        write_text(Path(temporary) / CARD, card)
        return push_files(Path(temporary), FILES, name, f"{predictor.model.name}, with its card", private)


def push_files(folder: Path, files: Sequence[str], name: HubName, message: str, private: bool) -> str:
    """Write those of some files that a folder has to a repository, in one commit; returns its address."""
    from huggingface_hub import CommitOperationAdd, HfApi

    operations = [CommitOperationAdd(file, folder / file) for file in files if (folder / file).is_file()]
    with sending(name):
        api = HfApi()
        api.create_repo(name.repository, private=private, exist_ok=True)
        commit = api.create_commit(name.repository, operations, commit_message=message, revision=name.revision)
        return str(commit.commit_url)
