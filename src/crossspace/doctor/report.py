"""An examination as text, with nothing but the standard library: it is read where others are broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crossspace import __version__
from crossspace.doctor.examination import Examination
from crossspace.doctor.features import install
from crossspace.doctor.requirements import Library


def report(found: Examination) -> str:
    """The whole text; what is wrong stands at the end, where it is seen."""
    blocks = [
        ("", _machine(found)),
        ("Libraries", _aligned(_row(one) for one in found.own)),
        ("Extras", _aligned(_extra(found, name) for name in found.by_extra)),
        ("What can be done", _aligned(_feature(one) for one in found.features())),
        ("Environment", _aligned(found.environment.items())),
        ("Places", _aligned(_place(one) for one in found.places)),
        ("Notes", found.notes),
        ("Problems", found.problems or ["Nothing that is installed is broken."]),
    ]
    parts = ["\n".join([title, *(f"  {line}" for line in lines)]).strip("\n") for title, lines in blocks if lines]
    return "\n\n".join(parts)


def _machine(found: Examination) -> list[str]:
    python, system, pytorch = found.interpreter, found.system, found.pytorch
    rows = [
        ("crossspace", f"{__version__} in {python.get('package')}"),
        ("Python", f"{python.get('version')} ({python.get('implementation')}), {python.get('executable')}"),
        ("system", f"{system.get('platform')}, {_bytes(system.get('memory'))} of memory"),
        ("processor", f"{found.processor.get('name')}, {system.get('processors')} of them"),
        ("", " ".join(found.processor.get("features", ())) or "(features not told)"),
    ]
    if pytorch:
        half = "bf16 by oneDNN" if pytorch["bf16"] else "no bf16 by oneDNN"
        rows += [
            ("PyTorch", f"{pytorch['version']}, threads: {pytorch['threads']}, {pytorch['processor']}, {half}"),
            ("devices", ", ".join(pytorch["devices"])),
        ]
    rows.append(("text", ", ".join(f"{name} {value}" for name, value in found.text.items())))
    return _aligned(rows)


def _row(library: Library) -> tuple[str, ...]:
    return library.name, library.installed or "-", library.wanted, library.state


def _extra(found: Examination, name: str) -> tuple[str, ...]:
    state = found.state(name)
    wrong = [one for one in found.by_extra[name] if one.state != "fine"]
    which = (
        "" if state in ("fine", "missing") else ", ".join(f"{one.name} {one.installed or ''}".strip() for one in wrong)
    )
    return name, state, "" if state == "fine" else install([name], upgrade=state == "unsuitable"), which


def _feature(feature: dict[str, Any]) -> tuple[str, ...]:
    return feature["can"], feature["what"], feature["install"] or ""


def _place(place: dict[str, Any]) -> tuple[str, ...]:
    least = "" if place["counted_whole"] else "at least "
    held = "" if place["bytes"] is None else f"{least}{_bytes(place['bytes'])} in {place['files']:,} files"
    writable = "" if place["writable"] else "NOT WRITABLE"
    return place["what"], place["path"], held or "-", f"{_bytes(place['free'])} free", writable


def _bytes(count: int | None) -> str:
    if count is None:
        return "unknown"
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns begin below each other."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
