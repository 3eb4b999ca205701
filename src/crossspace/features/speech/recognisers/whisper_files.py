"""The files of a Whisper model: where they lie, whether they are all there, what they are known by."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from crossspace.errors import DataError
from crossspace.reading import reading
from crossspace.runtime import optional_import

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_PATIENCE = 10.0
"""Seconds to wait for a hub before it is taken to be out of reach."""
_ADVICE = (
    "Give the folder of a model in the format of CTranslate2 (model.bin, config.json, tokenizer.json, vocabulary): "
    "--transcribe whisper:FOLDER. Where the hub can be reached, "
    "'hf download Systran/faster-whisper-small --local-dir FOLDER' makes one."
)


def checked_folder(model: str) -> Path:
    """The folder of a model, which is fetched if it is a name.

    Raises:
        DataError: there is none, or it lacks files.
    """
    folder = Path(model).expanduser()
    if folder.is_file():
        raise DataError(f"{model} should be the folder of a Whisper model. Found a file. {_ADVICE}")
    if not folder.is_dir():
        folder = _fetched(model)
    lacking = [name for name in _NEEDED if not (folder / name).is_file()]
    lacking += [] if list(folder.glob("vocabulary.*")) else ["vocabulary.json or .txt"]
    # Without its tokenizer the library would ask a hub for another one.
    if lacking:
        raise DataError(f"{model} should be the folder of a Whisper model. It lacks {', '.join(lacking)}. {_ADVICE}")
    with reading(folder / "config.json", "the configuration of a Whisper model", _ADVICE):
        if not isinstance(json.loads((folder / "config.json").read_text(encoding="utf-8")), dict):
            raise DataError(f"{folder / 'config.json'} should hold a JSON object. Found another value. {_ADVICE}")
    return folder


def model_digest(folder: Path) -> str:
    """``sha256:`` and 16 hexadecimal digits over the names and contents of what decides the words."""
    digest = hashlib.sha256()
    names = {*_NEEDED, "preprocessor_config.json", *(path.name for path in folder.glob("vocabulary.*"))}
    for path in sorted(folder / name for name in names if (folder / name).is_file()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with open(path, "rb", buffering=0) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()[:16]}"


def _fetched(model: str) -> Path:
    """The local copy of a model of a hub, fetched if need be."""
    # A mistyped path would be asked for on the hub, and the answer would speak of access rights.
    library = optional_import("faster_whisper", "asr")
    names = library.available_models()
    if model not in names and (model.count("/") != 1 or model.startswith((".", "~", "/"))):
        raise DataError(
            f"{model} should be the folder of a Whisper model, or the name of one ({', '.join(names)}, or OWNER/NAME). "
            f"Found neither. {_ADVICE}"
        )
    try:
        return Path(library.download_model(model, local_files_only=True))
    except Exception:  # whatever the hub's library raises where it has no copy
        _check_reach(model)
    try:
        return Path(library.download_model(model))
    except Exception as error:
        raise _unreached(model, error) from error


def _check_reach(model: str) -> None:
    """Ask for the hub once and in bounded time: a download tries again and again, for minutes.

    Raises:
        DataError: it cannot be reached.
    """
    import urllib.request

    from huggingface_hub import constants

    try:
        # By the standard library, which heeds proxies as other programs do.
        with urllib.request.urlopen(f"{constants.ENDPOINT}/api/models?limit=1", timeout=_PATIENCE):
            return
    except OSError as error:
        raise _unreached(model, error) from error


def _unreached(model: str, error: Exception) -> DataError:
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return DataError(
        f"{model} should be the folder of a Whisper model; no such folder is here, and it could not be fetched from a "
        f"hub: {reason.rstrip('.')}. {_ADVICE}"
    )
