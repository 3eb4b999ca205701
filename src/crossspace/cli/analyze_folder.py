"""``crossspace analyze FOLDER --out FOLDER``: one conversation after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossspace.cli.sound_options import check_sound
from crossspace.errors import CrossspaceError, UsageError
from crossspace.runtime import write_bytes

if TYPE_CHECKING:
    from crossspace.analysis.analyzer import Analyzer
    from crossspace.features.sources import Recording

_USUAL = ["csv", "html"]


def analyze_folder(options: argparse.Namespace, load: Callable[[Sequence[str] | None], Analyzer]) -> int:
    """Analyze what a folder holds; what cannot be is told and costs the others nothing.

    Args:
        options: of the command.
        load: the model, with the extractors of some modalities or all.

    Returns:
        1 where a conversation could not be analyzed, else 0.

    Raises:
        UsageError: the options are those of one conversation, or it is not said where to write.
        DataError: the folder holds nothing that could be analyzed.
    """
    from crossspace.analysis.inputs import conversations_in, extracted

    target, endings = _target(options), _endings(options)
    notes: list[str] = []
    found = conversations_in(Path(options.source), notes)
    media = any(one.media is not None for one in found)
    check_sound(options, media)
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)
    analyzer = load(None if media else extracted(None))
    failures: dict[str, str] = {}
    for number, one in enumerate(found, start=1):
        try:
            written = _analyze(analyzer, one, options, target, endings)
        except CrossspaceError as error:
            failures[one.id] = str(error)
            continue
        print(f"{number} of {len(found)}: {', '.join(str(path) for path in written)}")
    if failures:
        lines = "".join(f"\n  {name}: {reason}" for name, reason in failures.items())
        print(
            f"crossspace: {len(failures)} of {len(found)} conversations could not be analyzed:{lines}", file=sys.stderr
        )
    return 1 if failures else 0


def _analyze(
    analyzer: Analyzer, one: Recording, options: argparse.Namespace, target: Path, endings: Sequence[str]
) -> list[Path]:
    """Analyze a conversation and write it; where its files are."""
    from crossspace.analysis.exports import render
    from crossspace.cli.analyze_progress import AnalyzeProgress

    sound = {"track": options.track, "channels": options.channels} if one.media is not None else {}
    transcript = None if one.transcript is None else Path(str(one.transcript))
    with AnalyzeProgress() as progress:
        analysis = analyzer.analyze(one.media, transcript, conversation_id=one.id, progress=progress.show, **sound)
    paths = [target / f"{one.id}{ending}" for ending in endings]
    # All before the first is written: one of the formats may be refused.
    contents = [render(analysis, path, labels=options.labels) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        write_bytes(path, content)
    for note in analysis.notes:
        print(f"Note on {one.id}: {note}", file=sys.stderr)
    return paths


def _target(options: argparse.Namespace) -> Path:
    for name in ("transcript", "turns"):
        if getattr(options, name):
            raise UsageError(
                f"--{name} goes with one conversation. In {options.source} transcripts lie beside their recordings."
            )
    if len(options.out) != 1:
        raise UsageError(
            f"{options.source} is a folder; --out should be one folder for what is made of its conversations. Found "
            f"{len(options.out) or 'none'}."
        )
    target = Path(options.out[0])
    if target.is_file() or (not target.exists() and target.suffix):
        raise UsageError(
            f"{options.source} is a folder, and so --out should be. Found {str(target)!r}; --as says what is written."
        )
    return target


def _endings(options: argparse.Namespace) -> list[str]:
    from crossspace.analysis.exports import ending_of

    return [ending_of(f"a.{name.lstrip('.')}") for name in options.formats or _USUAL]
