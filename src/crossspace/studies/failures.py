"""What failed in a study: a file for each training, test or measurement, since several processes write at a time."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from crossspace.reading import reading
from crossspace.runtime import write_text

FAILURES = "failures"
"""The folder of these files; beside it lies ``failures.json`` where an earlier release wrote all into one."""
_AGAIN = "Remove it and run the study again."


class Failures:
    """The failures of one study.

    Args:
        study: folder of the study.
    """

    def __init__(self, study: Path) -> None:
        self.folder, self.earlier = study / FAILURES, study / f"{FAILURES}.json"

    def write(self, variant: str, part: str, reason: str, place: int = -1) -> None:
        """Write down why a part of a variant, such as ``seed-0``, failed; ``place`` orders those of one variant."""
        content = {"variant": variant, "reason": reason, "place": place, "token": uuid.uuid4().hex}
        write_text(self._path(variant, part), json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def remove(self, variant: str, part: str) -> None:
        """Forget a failure: another try went well."""
        self._path(variant, part).unlink(missing_ok=True)
        with suppress(OSError):  # there are others, or it is gone
            self.folder.rmdir()

    def token(self, variant: str, part: str) -> str:
        """Another one for every failure of a part; empty where there is none."""
        return str(_read(self._path(variant, part)).get("token", ""))

    def merged(self) -> dict[str, str]:
        """``{variant: reasons}``."""
        records = filter(None, map(_read, sorted(self.folder.glob("*.json"))))
        news: dict[str, list[str]] = {}
        for record in sorted(records, key=lambda record: int(record["place"])):
            news.setdefault(record["variant"], []).append(record["reason"])
        return {**_read(self.earlier), **{variant: "\n".join(reasons) for variant, reasons in news.items()}}

    def forget_earlier(self) -> None:
        """Remove the one file of an earlier release, once everything in it was tried again."""
        self.earlier.unlink(missing_ok=True)

    def _path(self, variant: str, part: str) -> Path:
        return self.folder / f"{variant}.{part}.json"


def _read(path: Path) -> dict[str, Any]:
    """The content of a file; nothing where there is none, which another process may just have removed."""
    with reading(path, "a JSON object", _AGAIN), suppress(FileNotFoundError):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}
