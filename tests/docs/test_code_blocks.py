"""Every code block of the README and the documentation does what it says.

A page is run from top to bottom in a folder of its own: Python blocks share a namespace, commands run one after the
other. Trainings and generated corpora are made small where the page leaves their size open.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = (
    "docs/_build/",
    "docs/commands/",
    "docs/components/",
    "docs/box.md",
    "docs/http.md",
    "docs/recipes.md",
    "docs/results/studies/",
)

BLOCKS = {
    "README.md": (6, 1, 3),
    "docs/_components/balancers-pgm.md": (1, 0, 0),
    "docs/_components/models-css.md": (1, 0, 0),
    "docs/concepts/architecture.md": (0, 0, 0),
    "docs/concepts/balancing.md": (5, 0, 0),
    "docs/concepts/conversations-and-batches.md": (6, 0, 0),
    "docs/concepts/css.md": (2, 0, 0),
    "docs/concepts/models.md": (0, 0, 0),
    "docs/concepts/protocols.md": (3, 0, 0),
    "docs/first-run.md": (5, 0, 0),
    "docs/guides/add-a-model.md": (8, 1, 0),
    "docs/guides/add-an-importer.md": (3, 1, 0),
    "docs/guides/beyond-one-machine.md": (5, 0, 3),
    "docs/guides/calibrate.md": (2, 0, 0),
    "docs/guides/code-of-your-own.md": (1, 1, 0),
    "docs/guides/data-files.md": (5, 0, 0),
    "docs/guides/finetune.md": (8, 1, 2),
    "docs/guides/from-a-program.md": (10, 1, 0),
    "docs/guides/import-your-features.md": (15, 0, 0),
    "docs/guides/install.md": (1, 0, 1),
    "docs/guides/page.md": (0, 0, 1),
    "docs/guides/predict.md": (7, 1, 0),
    "docs/guides/publish.md": (6, 1, 3),
    "docs/guides/recordings.md": (3, 1, 5),
    "docs/guides/resume.md": (4, 0, 2),
    "docs/guides/stores.md": (3, 0, 0),
    "docs/guides/study.md": (4, 1, 2),
    "docs/guides/transcribe.md": (0, 0, 4),
    "docs/guides/tune.md": (5, 1, 0),
    "docs/index.md": (1, 0, 0),
    "docs/notebooks/features-to-table.md": (7, 0, 0),
    "docs/notebooks/talk-to-timeline.md": (6, 0, 0),
    "docs/results/bench.md": (0, 0, 0),
    "docs/results/equal-chances.md": (0, 0, 1),
    "docs/results/finetuned.md": (0, 0, 1),
    "docs/results/index.md": (0, 0, 0),
    "docs/results/mosi.md": (0, 0, 1),
    "docs/results/scale.md": (0, 0, 1),
    "docs/results/speech.md": (0, 0, 1),
    "docs/results/studies.md": (0, 0, 1),
    "docs/results/text.md": (0, 0, 1),
    "docs/results/synthetic.md": (0, 0, 2),
    "docs/stability.md": (0, 0, 0),
    "CONTRIBUTING.md": (0, 0, 0),
}
"""Of each page: how many blocks run, are files, do not run. A new block is a new number."""

SHOWN = {"json", "yaml", "toml", "text", "bibtex", "{toctree}", "{container} ways"}
"""Languages that are read and not run."""

ELSEWHERE = {"make", "pip", "git", "python3", ".", "source"}
"""Commands that set a machine up."""

SMALL = {
    "train": {"--training.epochs": "2", "--model.width": "32"},
    "study run": {"--training.epochs": "1", "--seeds": "1", "--jobs": "1"},
    "tune": {"--training.epochs": "2", "--model.width": "32"},
    "data synthesize": {"--train": "24", "--validation": "6", "--test": "8"},
}
"""Options that a command gets when the page leaves them open."""

_FENCE = re.compile(r"^ *(```+)(.*)$")
_NOTE = re.compile(r"<!-- (not run|file): (.+?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line it begins at, and the note before it."""

    language: str
    text: str
    line: int
    note: tuple[str, str] = ("", "")

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block, continued lines joined; of a console block those after ``$``."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]

    @property
    def fate(self) -> str:
        """``run``, ``file`` or ``not run``; empty for a block that is only shown."""
        if self.note[0]:
            return self.note[0]
        if self.language == "python":
            return "run"
        if self.language in ("bash", "console"):
            return "run" if any(shlex.split(c)[0] not in ELSEWHERE for c in self.commands) else "not run"
        return ""


def pages() -> list[str]:
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    names = sorted(path.relative_to(ROOT).as_posix() for path in found)
    return [name for name in names if not name.startswith(GENERATED)]


def blocks(page: str) -> list[Block]:
    found: list[Block] = []
    opened: tuple[str, str, int] | None = None
    inside: list[str] = []
    note = ("", "")
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if opened is None and fence:
            opened, inside = (fence[1], fence[2].strip(), number), []
        elif opened is not None and fence and fence[1] == opened[0] and not fence[2].strip():
            language, text = opened[1], textwrap.dedent("\n".join(inside))
            if language.startswith("{code-cell}"):
                # Of a notebook.
                language = "bash" if text.startswith("%%bash\n") else "python"
                text = text.removeprefix("%%bash\n")
            found.append(Block(language, text, opened[2], note))
            opened, note = None, ("", "")
        elif opened is not None:
            inside.append(line)
        elif line.strip():
            marked = _NOTE.fullmatch(line.strip())
            note = (marked[1], marked[2]) if marked else ("", "")
    assert opened is None, f"{page}, line {opened and opened[2]}: a block that does not end"
    return found


def test_no_page_and_no_block_escapes() -> None:
    fates = {page: [block.fate for block in blocks(page)] for page in pages()}
    assert {page: (f.count("run"), f.count("file"), f.count("not run")) for page, f in fates.items()} == BLOCKS
    assert len(fates) == 44
    assert sum(map(sum, BLOCKS.values())) == 179


def test_every_block_has_a_language_that_is_known() -> None:
    unknown = [
        f"{page}:{block.line}: {block.language!r}"
        for page in pages()
        for block in blocks(page)
        if block.language not in {"python", "bash", "console", *SHOWN}
    ]
    assert not unknown


@pytest.mark.long
@pytest.mark.usefixtures("only_the_box")
@pytest.mark.parametrize("page", [page for page, counts in BLOCKS.items() if counts[0]])
def test_code_runs(page: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page == "docs/guides/beyond-one-machine.md" and int(pyarrow.__version__.split(".")[0]) < 26:
        pytest.skip("Other programs read no corpus with pyarrow 25.")
    found = blocks(page)
    _copy(prepared, tmp_path, with_run=not any("--out runs/mosi" in block.text for block in found))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, Any] = {"__name__": "__page__"}
    loaded = set(sys.modules)
    try:
        for block in found:
            if block.fate == "file":
                Path(block.note[1]).write_text(block.text + "\n", encoding="utf-8")
            elif block.fate == "run" and block.language == "python":
                # Lines are counted as on the page, so that a traceback points there.
                exec(compile("\n" * block.line + block.text, str(ROOT / page), "exec"), names)
            elif block.fate == "run":
                for command in block.commands:
                    _shell(command)
    finally:
        for started in [one for one in names.values() if isinstance(one, subprocess.Popen)]:
            # A page that fails half-way leaves no server behind.
            started.kill()
            started.wait()
        for name in set(sys.modules) - loaded:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
                del sys.modules[name]


def _copy(source: Path, target: Path, with_run: bool) -> None:
    for path in source.iterdir():
        if path.is_file():
            shutil.copy(path, target)
        elif with_run:
            shutil.copytree(path, target / path.name)


def _shell(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "crossspace":
        from crossspace.cli.main import main

        words = _smaller(words[1:])
        assert main(words) == 0, " ".join(words)
    elif words[0] not in ELSEWHERE:
        subprocess.run(["bash", "-euc", command], check=True)


def _smaller(words: list[str]) -> list[str]:
    if {"--resume", "--config", "--rerun"} & set(words):
        return words
    for command, options in SMALL.items():
        if words[: len(command.split())] == command.split():
            return [*words, *(w for name, value in options.items() if name not in words for w in (name, value))]
    return words
