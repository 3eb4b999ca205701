"""Code that the user names, imported: a file, or a module where Python finds it."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from crossspace.components.origin import Origin, option, readable, warn_if_other
from crossspace.components.registry import OUTSIDE, add, imported, kind_of, lacks
from crossspace.errors import UsageError

Class = TypeVar("Class", bound=type)
_SEARCHED = re.compile(r"<frozen |importlib")


def load(code: str | Path) -> ModuleType:
    """Import a file or a module of your own and make its components known; returns the module.

    A file (``mine.py``) may lie anywhere and is imported anew when it has changed. A module (``package.mine``) is
    looked for where Python looks, and last in the current folder.

    Raises:
        UsageError: there is none, it fails on import, it has no component, or one that is unfinished or has the name
            of another.
    """
    text = str(code)
    if isinstance(code, Path) or text.endswith(".py") or "/" in text or "\\" in text:
        return _load_file(Path(code))
    return _load_module(text)


def register(component: Class) -> Class:
    """Make one class known, such as one of a notebook; usable as a decorator.

    Raises:
        UsageError: it is no component, it is unfinished, or it has the name of another.
    """
    if not add([component], Origin.of_module(component.__module__)):
        kind = kind_of(component)
        raise UsageError(
            f"{component.__qualname__} should be a component with a name. "
            + (f"It lacks {', '.join(lacks(component))}." if kind else "It derives from none of their base classes.")
        )
    return component


def load_again(origins: Sequence[Origin]) -> None:
    """Import in this process what another has imported.

    Raises:
        UsageError: it cannot be had here, or it was changed meanwhile.
    """
    for origin in origins:
        load(origin.file if origin.named_by == "file" and origin.file else origin.module)
        here = next((o for o in imported() if o.module == origin.module), None)
        if here is not None and here.digest != origin.digest:
            raise UsageError(f"{origin} was changed after the command had begun. Run the same command again.")


def needed(said: Any, folder: Path) -> str:
    """The sentence that says which code from outside a configuration in ``folder`` was made with and is not imported.

    Args:
        said: its entry ``imports``, if it has one.
    """
    absent = [entry for entry in readable(said) if not any(origin.answers(entry) for origin in imported())]
    if not absent:
        return ""
    options = " ".join(option(entry, folder) for entry in absent)
    return f"\nIt was made with code of your own, and no file imports code by itself. If you trust it, add {options}"


def warn_of_changes(said: Any, what: str) -> None:
    """Warn of code that is imported in another version than the entry ``imports`` of ``what`` states."""
    for entry in readable(said):
        same = [origin for origin in imported() if origin.answers(entry)]
        if same and all(origin.digest != entry.get("sha256") for origin in same):
            warn_if_other(entry, same[0], what)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file() or path.suffix != ".py":
        seen = "a folder" if path.is_dir() else "a file of another kind" if path.exists() else "nothing"
        raise UsageError(
            f"{path} should be a Python file, ending in .py. Found {seen}. A package is named as a module: "
            "package.mine."
        )
    path = path.resolve()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    origin = Origin.of_file(path, content)
    known = sys.modules.get(origin.module)
    if known is not None and any(entry.origin == origin for entry in OUTSIDE.values()):
        return known
    try:
        module = _run(content, origin)
        _add_all(module, origin)
    except BaseException:
        sys.modules.pop(origin.module, None)
        if known is not None:
            sys.modules[origin.module] = known
        raise
    return module


def _run(content: bytes, origin: Origin) -> ModuleType:
    spec = importlib.util.spec_from_file_location(origin.module, str(origin.file))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[origin.module] = module  # before it runs: classes look for their annotations there
    with _told(str(origin.file)):
        # The very text whose digest is recorded; what Python keeps of a file in its cache may be older.
        exec(compile(content, str(origin.file), "exec", dont_inherit=True), module.__dict__)
    return module


def _load_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(f"Code of your own is a file ending in .py or a module such as package.mine. Found {name!r}.")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # last: nothing that lies here may take the place of what is installed
    with _told(name):
        module = importlib.import_module(name)
    _add_all(module, Origin.of_module(name))
    return module


@contextmanager
def _told(what: str) -> Iterator[None]:
    """An import that fails in the block is told in a sentence: where and why, without a traceback."""
    try:
        yield
    except KeyboardInterrupt:  # the user's own wish, whatever runs
        raise
    except BaseException as error:  # code of the user may raise anything, and may end the program
        if isinstance(error, ModuleNotFoundError) and error.name and f"{what}.".startswith(f"{error.name}."):
            raise UsageError(
                f"There is no module {what!r}, neither installed nor in this folder. A file is named with its ending: "
                "mine.py."
            ) from error
        line, file = _place(error, what)
        said = error.msg if isinstance(error, SyntaxError) else str(error) or "no message"
        where = f"{file}, line {line}" if line else file
        raise UsageError(
            f"{where}: importing it failed with {type(error).__name__}: {said}{_beside(error, what)}"
        ) from error


def _beside(error: BaseException, what: str) -> str:
    """What to do where a file asks for another one that lies beside it."""
    name = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    top, file = str(name or "").partition(".")[0], Path(what)
    if not top or file.suffix != ".py" or not any((file.parent / other).exists() for other in (f"{top}.py", top)):
        return ""
    return f". A file does not see what lies beside it; a module does: go to {file.parent} and add --import {file.stem}"


def _place(error: BaseException, what: str) -> tuple[int | None, str]:
    """The line of the named file that failed; of a module, the last line that is not Python's own looking for it."""
    if isinstance(error, SyntaxError) and error.filename:
        return error.lineno, error.filename
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _SEARCHED.search(f.filename)]
    named = [f for f in frames if f.filename == what] or [f for f in frames if f.filename != __file__]
    return (named[-1].lineno, named[-1].filename) if named else (None, what)


def _add_all(module: ModuleType, origin: Origin) -> None:
    if not add(_own_components(module), origin, whole=True):
        known = [c for c in _own_components(module) if kind_of(c)]
        unnamed = "".join(f" {c.__qualname__} lacks {', '.join(lacks(c))}." for c in known if lacks(c))
        raise UsageError(
            f"{origin} should define a model, encoder, fusion, balancer, objective, importer or extractor. "
            f"Found none.{unnamed}"
        )


def _own_components(module: ModuleType) -> list[type]:
    """Classes that a module, or one below it, defines."""
    names = (module.__name__, f"{module.__name__}.")
    classes: Iterable[Any] = {id(v): v for v in vars(module).values() if isinstance(v, type)}.values()
    return [c for c in classes if c.__module__ == names[0] or c.__module__.startswith(names[1])]
