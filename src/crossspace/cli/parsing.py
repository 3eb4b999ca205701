"""One kind of parser for all commands: a mistake becomes a UsageError with the nearest names."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from crossspace.errors import UsageError, suggestion
from crossspace.stores import is_address, place

_USUAL = {
    "lr": "learning-rate",
    "bs": "batch-size",
    "wd": "weight-decay",
    "num-epochs": "epochs",
    "max-epochs": "epochs",
    "early-stopping": "patience",
    "fp16": "precision",
    "amp": "precision",
    "ema": "averaging",
    "modality": "modalities",
    "seed": "seeds",
    "gpu": "device",
    "gpus": "device",
    "cuda": "device",
    "cpu": "device",
    "workers": "jobs",
    "num-workers": "jobs",
    "output": "out",
    "output-dir": "out",
    "o": "out",
    "dataset": "data",
    "config-file": "config",
}
"""What other programs call an option that has another name here."""

_IMPORTS = "imports"


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting.

    Args:
        instead: ``{option: sentence}`` on what to write in place of options that people expect and that are not there.
        takes_components: the command takes ``--model.width`` and its like too.
        imports: the command takes ``--import``; what it names is imported before its options are looked at.
        **options: of :class:`argparse.ArgumentParser`.
    """

    def __init__(
        self,
        *,
        instead: Mapping[str, str] | None = None,
        takes_components: bool = False,
        imports: bool = False,
        **options: Any,
    ) -> None:
        # Abbreviations would change their meaning with every option that is added.
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self.instead, self.takes_components = dict(instead or {}), takes_components
        if imports:
            self.add_argument(
                "--import",
                dest=_IMPORTS,
                action="append",
                default=[],
                metavar="CODE",
                help="a file (mine.py) or module (package.mine; the current folder is looked in last) with models or "
                "other components of your own, which runs as a program does; may be repeated",
            )

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError` where argparse would print and exit."""
        raise UsageError(f"{message[0].upper()}{message[1:]}. '{self.prog} --help' shows what can be given.")

    def option_names(self) -> list[str]:
        """All long options."""
        return [option for action in self._actions for option in action.option_strings if option.startswith("--")]

    def parse_all(self, words: Sequence[str]) -> argparse.Namespace:
        """Parse ``words``; unknown options are named together with the nearest known ones."""
        options, unknown = self.parse_known_args(list(words))
        import_named(options)  # suggestions know the arguments of components of the user's own
        # All faults at once: correcting them one by one takes a start of the program each.
        if unknown:
            faults = [
                f"Unknown option {word!r}. {self._meant(word.partition('=')[0])}"
                if word.startswith("-")
                else f"Unexpected argument {word!r}."
                for word in unknown
                # A word after an unknown option is most likely its value, and no fault of its own.
                if word.startswith("-") or not any(u.startswith("--") for u in unknown)
            ]
            raise UsageError("\n".join(faults))
        return options

    def _meant(self, option: str) -> str:
        """What may have been meant by an option that there is not."""
        if option in self.instead:
            return self.instead[option]
        from crossspace.cli.tree import arguments_called, arguments_near, options_called

        # From the surest to the vaguest: a name known elsewhere, an argument of that name, a slip of the finger.
        own, word = self.option_names(), _USUAL.get(option.strip("-"), option.strip("-"))
        known = [name for name in own if name == f"--{word}"]
        known = known or (arguments_called(word) if self.takes_components else [])
        known = known or difflib.get_close_matches(option, own, n=1, cutoff=0.8)
        known = known or (arguments_near(word) if self.takes_components else [])
        if known:
            return "Did you mean " + " or ".join(map(repr, known)) + "?"
        elsewhere = options_called(word)
        if elsewhere:
            return "It is an option of " + ", ".join(f"'crossspace {name}'" for name in elsewhere) + "."
        near = difflib.get_close_matches(option, own, n=1, cutoff=0.7)
        if near:
            return f"Did you mean {near[0]!r}?"
        advice = f", '{self.prog} --help all' the arguments of model, balancer and training" * self.takes_components
        return f"'{self.prog} --help' shows what can be given{advice}."


def do_action(
    command: str, about: Mapping[str, str], do: Mapping[str, Callable[[list[str]], int]], words: Sequence[str]
) -> int:
    """Do one of the actions of a command, the first word; without one say which there are.

    Args:
        command: such as ``data``.
        about: ``{action: what it does}``.
        do: ``{action: what does it}``, given the other words.
        words: behind the command.

    Raises:
        UsageError: there is no such action.
    """
    if not words or words[0] in ("-h", "--help"):
        width = max(map(len, about))
        lines = [f"  {name.ljust(width)}  {what}" for name, what in about.items()]
        print(f"usage: crossspace {command} ACTION [OPTIONS]\n\nactions:\n" + "\n".join(lines))
        return 0
    if words[0] not in about:
        raise UsageError(f"There is no action {words[0]!r} of 'crossspace {command}'. {suggestion(words[0], about)}")
    return do[words[0]](list(words[1:]))


def import_named(options: argparse.Namespace) -> None:
    """Import what ``--import`` names, and take it out of the parsed options.

    Raises:
        UsageError: it cannot be imported, or what it brings cannot be used.
    """
    for code in vars(options).pop(_IMPORTS, ()):
        from crossspace.components import load

        load(code)


def local(text: str) -> str:
    """The name of a file or folder on this machine, as the type of an argument."""
    if is_address(text):
        raise argparse.ArgumentTypeError(
            f"{text} is an address, and this is read and written on this machine alone. Copy it here first"
        )
    return str(place(text))


def anywhere(text: str) -> str:
    """The name of a file or folder on this machine, or the address of one on a store, as the type of an argument.

    Raises:
        UsageError: it is an address that cannot be used.
    """
    return str(place(text))


def check_split(name: str) -> None:
    """Raise :class:`UsageError` unless it is the name of a split, an alias, or ``all``."""
    from crossspace.data.split import ALL, known_split

    if name != ALL:
        known_split(name)


def spare(out: str | None, *inputs: str | Path | None) -> None:
    """Raise :class:`UsageError` where writing ``out`` would replace one of the files that are read."""
    for path in inputs:
        if out is not None and path is not None and Path(out).resolve() == Path(path).resolve():
            raise UsageError(f"{out} is what is read here, and would be lost. Name another file to write.")


def pairs(text: str) -> dict[str, str]:
    """``a=b,c=d`` as a dictionary."""
    values = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise argparse.ArgumentTypeError(f"expected name=value[,name=value...], found {part!r}")
        values[key.strip()] = value.strip()
    return values


def words(text: str) -> list[str]:
    """``a,b,c`` as a list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def names_or_count(text: str) -> list[str] | int:
    """``3`` as a number, ``a,b,c`` as a list."""
    # A speaker may be called 7, but then 7 speakers are meant.
    return int(text) if text.isdecimal() else words(text)


def json_value(text: str) -> Any:
    """A value written as JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected JSON, found {text!r}: {error}") from error


def chosen_components(options: argparse.Namespace) -> list[str]:
    """``--model NAME`` and ``--balancer NAME`` as words again, so far as they were chosen."""
    chosen = {name: getattr(options, name) for name in ("model", "balancer")}
    return [word for name, value in chosen.items() if value for word in (f"--{name}", value)]


def split_off_components(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate ``--model.x value`` and its like from the options of the command itself."""
    known: list[str] = []
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.startswith("--") and "." in word.partition("=")[0]:
            rest.append(word)
            if "=" not in word:  # its value is the next word, whatever that looks like
                if not waiting:
                    raise UsageError(f"Option {word!r} needs a value.")
                rest.append(waiting.pop(0))
        else:
            known.append(word)
    return known, rest
