"""The door: finds the command, imports no more than it needs, turns mistakes into messages and exit codes."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from crossspace import __version__
from crossspace.errors import CrossspaceError, CrossspaceWarning, UsageError, suggestion

COMMANDS = {
    "data": "import, join, split, show, validate or synthesize a corpus",
    "extract": "turn recordings and transcripts into a corpus",
    "finetune": "train a pretrained encoder on for the emotions of a corpus",
    "train": "train a model, test it once and write a report",
    "tune": "search for a good configuration by cross-validation",
    "evaluate": "score a trained model on a corpus",
    "calibrate": "make a model as sure as it is right, and unsure where it is not",
    "predict": "predict emotions for a corpus or a conversation",
    "transcript": "show what was understood of a transcript of any format",
    "analyze": "from a recording or a transcript to a timeline of emotions",
    "card": "what a model is good for, and what it must not be used for",
    "push": "put a model on a hub, with its card",
    "export": "write a model as ONNX, to predict without PyTorch",
    "serve": "the same over HTTP and on a web page",
    "report": "write the report of a run again",
    "study": "train and compare many variants of a configuration",
    "merge": "make the one file of parts that were made by shards",
    "doctor": "what this installation has, what it lacks and what is broken",
    "list": "list models, encoders, fusions, balancers, objectives, importers, extractors, recipes, studies",
}


_LEFT_OUT = {
    "torch": "PyTorch",
    **{name: name for name in ("safetensors", "huggingface_hub", "jsonargparse", "scipy", "sklearn", "matplotlib")},
    **{name: name for name in ("lightning_fabric", "jinja2", "docstring_parser")},
}
"""What the package depends on and an exported model does without."""


def program() -> int:
    """:func:`main` as a process of its own."""
    # The objects of large libraries live to the end: looking for garbage among them once more at the exit took a fifth
    # of the time of a short command.
    atexit.register(gc.freeze)
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 fine, 2 usage or configuration, 1 everything else."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Inside the handlers, so that a note comes before the error that ends the command.
        with _notes(), _own_faults_told():
            return _dispatch(words)
    except CrossspaceError as error:
        print(f"crossspace: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever reads (head, less) has seen enough; the interpreter must not fail on flushing at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    # No traceback: nothing is lost, and the user knows what happened.
    except KeyboardInterrupt:
        print(
            "crossspace: interrupted. What was finished is saved; the same command goes on (train: with --resume).",
            file=sys.stderr,
        )
        return 1
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _LEFT_OUT:
            raise
        print(
            f"crossspace: this needs {_LEFT_OUT[library]}, and crossspace was installed without what it depends on. "
            "Install it with: pip install crossspace. Without it, 'crossspace predict' and 'crossspace analyze' take "
            "the folder that 'crossspace export' has written.",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"crossspace: {error}. Check the path, the permissions and the space on the disk.", file=sys.stderr)
        return 1


@contextmanager
def _notes() -> Iterator[None]:
    """Inside, our own warnings are notes; those of libraries are shown as before."""
    with warnings.catch_warnings():
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
            # Ours are sentences for users; the place in the code means nothing to them.
            if issubclass(category, CrossspaceWarning):
                print(f"Note: {message}", file=sys.stderr)
            else:
                before(message, category, *where)

        warnings.showwarning = show  # type: ignore[assignment]
        yield


@contextmanager
def _own_faults_told() -> Iterator[None]:
    """Inside, what code of the user's own raises is told in a sentence."""
    try:
        yield
    except BaseException:
        # Only where such code can be imported: no command pays for what it does not use.
        if "crossspace.components" not in sys.modules:
            raise
        from crossspace.components.faults import own_faults_told

        with own_faults_told():
            raise


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"crossspace {__version__}")
        return 0
    command, rest = words[0], words[1:]
    if command not in COMMANDS:
        raise UsageError(f"There is no command {command!r}. {suggestion(command, COMMANDS)}")
    # Only the module of the command: importing PyTorch takes longer than most of the others do.
    return int(importlib.import_module(f"crossspace.cli.{command}_command").run(rest) or 0)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "usage: crossspace COMMAND [OPTIONS]",
            "",
            "Multimodal emotion recognition in conversation.",
            "",
            "commands:",
            *lines,
            "",
            "crossspace COMMAND --help tells more; crossspace --version prints the version.",
        ]
    )
