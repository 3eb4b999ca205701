"""What a feature vector is found by."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def feature_key(identity: Mapping[str, Any], *material: str | bytes | float) -> str:
    """The key of a vector: a digest over who makes it and what it is made from.

    Args:
        identity: of the extractor, as :attr:`~crossspace.features.extractors.base.Extractor.identity`.
        material: the text itself, or the digest of a recording and the seconds where the utterance starts and ends.
    """
    parts = [p.hex() if isinstance(p, bytes) else p for p in material]
    # JSON keeps the parts apart: joined as text, ("ab", "c") and ("a", "bc") would be one key.
    whole = json.dumps([dict(identity), parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def media_digest(path: str | Path) -> str:
    """SHA-256 of a file's size and content, read in blocks.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    # Unbuffered: blocks of a megabyte gain nothing from another copy.
    with open(path, "rb", buffering=0) as file:
        digest.update(f"{os.fstat(file.fileno()).st_size}\0".encode())
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
