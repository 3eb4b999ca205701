"""``crossspace serve`` with an analyzer that answers at once; its argument is the file that holds that analyzer."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import crossspace.serve.analyze
from crossspace.cli.main import main
from crossspace.serve.look import look_at_upload
from crossspace.serve.settings import Settings


def look(media: Path | None, transcript: Path | None, settings: Settings, said: Callable[[str], None]) -> object:
    """As the server looks, but for ever at a transcript that begins with STUCK, where no other thread runs."""
    if transcript is not None and transcript.read_bytes().startswith(b"STUCK"):
        re.match("(a+)+$", "a" * 60 + "b")
    return look_at_upload(media, transcript, settings, said)


class Analyzer:
    """Loads the stand-in."""

    @classmethod
    def load(cls, model: object, wanted: object) -> object:
        """The stand-in, whatever is asked."""
        specification = importlib.util.spec_from_file_location("stand_in", sys.argv[1])
        assert specification is not None and specification.loader is not None
        stand_in = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(stand_in)
        analyzer = stand_in.FakeAnalyzer()
        analyzer.in_the_box = model is None
        return analyzer


if __name__ == "__main__":
    sys.modules["crossspace.analysis.analyzer"] = module = ModuleType("analyzer")
    crossspace.serve.analyze.look_at_upload = look
    module.Analyzer = Analyzer  # type: ignore[attr-defined]
    sys.exit(main(["serve", *sys.argv[2:]]))
