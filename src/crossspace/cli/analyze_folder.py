"""``crossspace analyze FOLDER --out FOLDER``: one conversation after the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from crossspace.cli.sound_options import check_sound
from crossspace.errors import CrossspaceError, DataError, UsageError
from crossspace.runtime import write_bytes
from crossspace.stores import is_address, place

if TYPE_CHECKING:
    from crossspace.analysis.analyzer import Analyzer
    from crossspace.features.sources import Recording
    from crossspace.features.speech.transcribing import Transcribing

_USUAL = ["csv", "html"]
_File: TypeAlias = "tuple[int, int] | Path"


def analyze_folder(
    options: argparse.Namespace,
    transcribing: Transcribing | None,
    load: Callable[[Sequence[str] | None], Analyzer],
) -> int:
    """Analyze what a folder holds; what cannot be is told and costs the others nothing.

    Args:
        options: of the command.
        transcribing: how recordings without a transcript are transcribed, if they are.
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
    found = conversations_in(place(options.source), notes, target)
    media = any(one.media is not None for one in found)
    check_sound(options, media)
    if transcribing is not None and all(one.transcript is not None for one in found):
        raise UsageError(
            f"--transcribe is for recordings without a transcript, and all in {options.source} have one. Leave it out."
        )
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)
    analyzer = load(None if media else extracted(None))
    failures: dict[str, str] = {}
    known = {_file(path): f"{path}, which is read" for one in found for path in _read(one)}
    for number, one in enumerate(found, start=1):
        try:
            written = _analyze(analyzer, one, options, [target / f"{one.id}{ending}" for ending in endings], known)
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
    analyzer: Analyzer, one: Recording, options: argparse.Namespace, paths: Sequence[Path], known: dict[_File, str]
) -> Sequence[Path]:
    """Analyze a conversation and write it; where its files are, which are added to those that are known."""
    from crossspace.analysis.exports import lost_in, render
    from crossspace.cli.analyze_progress import AnalyzeProgress

    for path in paths:
        # Links, and file systems to which A and a are one name, can make one file of two.
        if (other := known.get(_file(path))) is not None:
            raise DataError(f"{path} is {other}, and would be lost. Give another folder as --out, or rename one.")
    sound = {"track": options.track, "channels": options.channels} if one.media is not None else {}
    with AnalyzeProgress() as progress:
        analysis = analyzer.analyze(one.media, one.transcript, conversation_id=one.id, progress=progress.show, **sound)
    # All before the first is written: one of the formats may be refused.
    contents = [render(analysis, path, labels=options.labels) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        write_bytes(path, content)
        known[_file(path)] = f"what was made of {one.id}"
    for note in (*analysis.notes, *dict.fromkeys(note for path in paths for note in lost_in(analysis, path))):
        print(f"Note on {one.id}: {note}", file=sys.stderr)
    return paths


def _read(one: Recording) -> list[Path]:
    return [path for path in (one.media, one.transcript) if isinstance(path, Path)]


def _file(path: Path) -> _File:
    """What tells a file from every other, by whatever name it is reached; its name where there is none yet."""
    try:
        status = path.stat()
    except OSError:
        return path
    return status.st_dev, status.st_ino


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
    if is_address(options.out[0]):
        raise UsageError(f"{options.out[0]} is an address. What is made of a folder is written on this machine.")
    target = Path(options.out[0])
    if target.is_file() or (not target.exists() and target.suffix):
        raise UsageError(
            f"{options.source} is a folder, and so --out should be. Found {str(target)!r}; --as says what is written."
        )
    if target.resolve() == Path(options.source).resolve():
        raise UsageError(
            f"{target} is read here, and what is written into it would be read as transcripts the next time. Give "
            "another folder as --out; it may lie in this one."
        )
    return target


def _endings(options: argparse.Namespace) -> list[str]:
    from crossspace.analysis.exports import ending_of

    return [ending_of(f"a.{name.lstrip('.')}") for name in options.formats or _USUAL]
