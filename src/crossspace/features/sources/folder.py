"""A folder of recordings, each with its transcript beside it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath

from crossspace.errors import DataError
from crossspace.features.sources.recording import Recording
from crossspace.stores import Place
from crossspace.transcripts.tidy import listed

RECORDINGS = {
    *(".mp4", ".m4v", ".m4a", ".m4b", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".mka", ".webm", ".avi", ".asf", ".wmv"),
    *(".wma", ".flv", ".f4v", ".mpg", ".mpeg", ".mpe", ".vob", ".ts", ".mts", ".m2ts", ".mxf", ".rm", ".rmvb", ".nut"),
    *(".dv", ".ogg", ".oga", ".ogv", ".opus", ".spx", ".wav", ".wave", ".bwf", ".rf64", ".w64", ".mp3", ".mp2"),
    *(".aac", ".flac", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".amr", ".awb", ".wv", ".ape", ".tta", ".ac3"),
    *(".eac3", ".dts"),
}
"""Endings of names of recordings."""
_MOST_FAULTS = 20
_CODES = dict.fromkeys((*range(32), *range(127, 160)), "\ufffd")


def is_recording(path: Place) -> bool:
    """Whether a file is a recording by its name."""
    return path.suffix.lower() in RECORDINGS


def read_folder(
    folder: Place, transcripts: Collection[str], notes: list[str], alone: bool = False, out: Path | None = None
) -> list[Recording]:
    """Every recording in a folder and below, with the transcript that lies beside it under its name.

    ``talk.mp4`` goes with ``talk.vtt`` or any other ending of transcripts, else with ``talk.en.vtt``. A conversation is
    called by the way to its recording, without the ending: ``session1/talk``. What is hidden is passed over; links are
    followed, and what several of them lead to is taken once.

    Args:
        folder: where they lie.
        transcripts: endings of the names of transcripts.
        notes: takes a sentence on the files that were not used.
        alone: whether a transcript without a recording beside it is a conversation of its own.
        out: a folder that is passed over, wherever it lies: what is made of the others is written into it.

    Raises:
        DataError: two recordings or two transcripts have the same name; all of them are named.
    """
    by_name: dict[str, list[Place]] = defaultdict(list)
    texts: list[Place] = []
    others: list[Place] = []
    for path in _files(folder, out):
        if is_recording(path):
            by_name[_name(path.with_suffix(""), folder)].append(path)
        else:
            (texts if path.suffix.lower() in transcripts else others).append(path)
    beside = _beside(texts, by_name, folder)
    used = {path for paths in beside.values() for path in paths}
    for path in texts if alone else ():
        if path not in used:
            beside.setdefault(_name(path.with_suffix(""), folder), []).append(path)
    _refuse_doubles(folder, (by_name, beside))
    used = {path for paths in beside.values() for path in paths}
    unused = sorted(_name(path, folder) for path in (*others, *texts) if path not in used)
    if (by_name or (alone and beside)) and unused:
        notes.append(
            f"{folder}: files that are neither recordings nor transcripts of one by their names are left out "
            f"({len(unused)}): {listed(unused)}."
        )
    return [
        Recording(name, next(iter(beside.get(name, [])), None), next(iter(by_name.get(name, [])), None))
        for name in sorted({*by_name, *(beside if alone else ())})
    ]


def _refuse_doubles(folder: Place, found: Sequence[Mapping[str, Sequence[Place]]]) -> None:
    faults = [
        f"{name}: {listed(sorted(path.name for path in paths))}"
        for together in found
        for name, paths in sorted(together.items())
        if len(paths) > 1
    ]
    if faults:
        rest = [f"and {len(faults) - _MOST_FAULTS} more"] if len(faults) > _MOST_FAULTS else []
        raise DataError(
            f"{folder} should hold one recording of each name, and one transcript of it. Found several:\n  "
            + "\n  ".join([*faults[:_MOST_FAULTS], *rest])
            + "\nMove those that are not meant, or name the files in a manifest (columns media and transcript)."
        )


def _beside(texts: Sequence[Place], names: Collection[str], folder: Place) -> dict[str, list[Place]]:
    """The transcripts of each recording: those of the very name, or else those with more behind it."""
    exact: dict[str, list[Place]] = defaultdict(list)
    longer: dict[str, list[Place]] = defaultdict(list)
    for path in texts:
        stem, found = path.with_suffix(""), exact
        while (name := _name(stem, folder)) not in names and stem.suffix:
            stem, found = stem.with_suffix(""), longer
        if name in names:
            found[name].append(path)
    return {**longer, **exact}


def _name(path: Place, folder: Place) -> str:
    # Names that are not UTF-8 cannot stand in a corpus, and codes in them would be obeyed by a terminal.
    return os.fsencode(below(path, folder).as_posix()).decode("utf-8", "replace").translate(_CODES)


def below(path: Place, folder: Place) -> PurePath:
    """The way from a folder to what stands below it."""
    return path.relative_to(str(folder)) if isinstance(path, Path) else path.way_from(folder)


def _files(folder: Place, out: Path | None) -> Iterator[Place]:
    """The files of a folder and below, each once, whatever links there are, but none of the folder ``out``."""
    if not isinstance(folder, Path):
        # Stores know neither links nor folders, and tell of everything below at once.
        yield from (one for one in folder.below() if not any(n[:1] == "." for n in one.way_from(folder).parts))
        return
    seen: set[str] = set()
    spared = None if out is None else os.path.realpath(out)
    waiting: list[Path] = [folder]
    # Links after what is there itself, which is then found under its own name.
    links: list[Path] = []
    while waiting or links:
        path = waiting.pop() if waiting else links.pop(0)
        real = os.path.realpath(path)
        if real in seen or (spared is not None and (real == spared or real.startswith(spared + os.sep))):
            continue
        seen.add(real)
        if path.is_file():
            yield path
        elif path.is_dir():
            for one in sorted(path.iterdir()):
                if not one.name.startswith("."):
                    (links if one.is_symlink() else waiting).append(one)
