"""The report of a study: an HTML page, the same in Markdown, tables as LaTeX and CSV, figures as SVG and PDF."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from crossspace import __version__
from crossspace.digests import file_digest
from crossspace.engine.claim import claimed_in_turn
from crossspace.evaluation.figures.style import inline, svg
from crossspace.evaluation.rendering import PROTOCOL_CAPTIONS, render
from crossspace.runtime import replacing, write_text
from crossspace.studies.basis import basis, weaknesses
from crossspace.studies.pictures import pictures
from crossspace.studies.results import StudyRecord, VariantRecord
from crossspace.studies.tables import study_tables

_SEAL = ".reported"
"""Says of what the report in the folder was made."""


def write_study_report(folder: str | Path, out: str | Path | None = None, page: bool = False) -> Path:
    """Write ``report.html``, ``report.md``, ``tables/`` and ``figures/``; returns the path of the report.

    What is not finished yet, or failed, is named and left out.

    Args:
        folder: of the study.
        out: where to write; into the folder of the study when not given.
        page: write no more than ``report.md`` and its figures as SVG: a page for a site or a repository.

    Raises:
        DataError: the folder is not that of a study, nothing in it is finished, or a run in it is damaged or was made
            on another corpus.
    """
    record = StudyRecord.read(folder)
    target = Path(folder if out is None else out)
    tables, figures = study_tables(record), pictures(record)
    documents = {}
    for picture in figures:
        documents[picture.name] = svg(picture.figure, picture.name)
        write_text(target / "figures" / f"{picture.name}.svg", documents[picture.name])
        # A page for a site shows SVG, and papers take PDF from the folder of the study.
        if page:
            continue
        with replacing(target / "figures" / f"{picture.name}.pdf") as temporary:
            picture.figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    # A page shows its tables itself.
    for table in () if page else tables:
        write_text(target / "tables" / f"{table.name}.csv", table.csv())
        write_text(target / "tables" / f"{table.name}.tex", table.latex())
    context: dict[str, Any] = {
        "record": record,
        "study": record.study,
        "environment": record.reference.run.environment,
        "tables": tables,
        "pictures": {t.name: [p for p in figures if p.section == t.name] for t in tables},
        "basis": basis(record),
        "weaknesses": weaknesses(record),
        "protocol_caption": PROTOCOL_CAPTIONS.get(record.protocol, "The variants were trained under both protocols."),
        "links": {v.name: _link(v, target) for v in record.variants},
        "svg": {name: Markup(inline(document)) for name, document in documents.items()},
    }
    written = target / "report.md"
    write_text(written, render("study.md.jinja", context))
    if not page:
        written = target / "report.html"
        write_text(written, render("study.html.jinja", context))
    return written


def report_if_need_be(folder: str | Path) -> Path:
    """Write the report of a study unless it stands there as it would be written; several processes may end at once.

    Raises:
        DataError: as :func:`write_study_report`.
    """
    folder = Path(folder)
    with claimed_in_turn(folder):
        basis, seal = _reported(folder), folder / _SEAL
        written = folder / "report.html"
        if not (written.exists() and seal.exists() and seal.read_text(encoding="utf-8") == basis):
            written = write_study_report(folder)
            write_text(seal, basis)
    return written


def _reported(folder: Path) -> str:
    """A digest of everything that the report is made of."""
    digest = hashlib.sha256(__version__.encode())
    names = ("study.yaml", "costs.json", "failures.json", "failures/*.json", "runs/*/SHA256SUMS", "runs/*/results.json")
    for path in sorted(path for name in names for path in folder.glob(name)):
        digest.update(f"{path.relative_to(folder)} {file_digest(path)}\n".encode())
    return digest.hexdigest() + "\n"


def _link(finished: VariantRecord, target: Path) -> str | None:
    """The way from the report of the study to that of a variant, where there is one on the same disk."""
    page = finished.run.folder / "report.html"
    try:
        # A name of a variant may hold signs that mean something in an address.
        return quote(Path(os.path.relpath(page, target)).as_posix()) if page.exists() else None
    except ValueError:  # another drive of Windows
        return None
