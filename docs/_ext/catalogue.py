"""What the package holds: every component with its arguments, found by looking, so that no list has to be kept."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from docstring_parser.google import DEFAULT_SECTIONS, GoogleParser, Section, SectionType

import crossspace
import crossspace.balance
import crossspace.models
import crossspace.nn
from crossspace.balance import BALANCERS
from crossspace.data import importers
from crossspace.features.extractors import extractors
from crossspace.features.speech.recognisers import RECOGNISERS
from crossspace.features.speech.speaker_encoders import SPEAKER_ENCODERS
from crossspace.models import MODELS, Model
from crossspace.objectives import OBJECTIVES
from crossspace.parts import Part, parts_of
from crossspace.training.options import TrainingOptions

_PARSER = GoogleParser([*DEFAULT_SECTIONS, Section("Note", "note", SectionType.SINGULAR)])
_HEADINGS = {"param": "Args", "attribute": "Attributes", "returns": "Returns", "raises": "Raises", "note": "Note"}


@dataclass(frozen=True)
class Component:
    """A documented class or function.

    Attributes:
        kind: the heading under which it is listed.
        name: how users call it.
        thing: the class or function.
    """

    kind: str
    name: str
    thing: Any

    @property
    def page(self) -> str:
        """Name of its page, without ending."""
        kind, name = self.kind.split()[0].lower(), self.name.lower().replace(" ", "-")
        return name if name.startswith(f"{kind}-") else f"{kind}-{name}"

    @property
    def home(self) -> str:
        """The shortest module it can be imported from."""
        own = self.thing.__name__
        for module in (crossspace, crossspace.nn, crossspace.balance):
            if own in module.__all__ and getattr(module, own) is self.thing:
                return module.__name__
        return self.thing.__module__

    @property
    def path(self) -> str:
        """Where it is defined."""
        return f"{self.thing.__module__}.{self.thing.__qualname__}"


@dataclass(frozen=True)
class Argument:
    """One argument of a component: plain text, empty where nothing is known."""

    name: str
    kind: str
    default: str
    about: str


def components() -> list[Component]:
    """Every component there is, by kind."""
    return [
        *(Component("Models", name, model) for name, model in MODELS.items()),
        *(Component("Balancers", name, balancer) for name, balancer in BALANCERS.items()),
        *(Component("Importers", name, importers.find(name)) for name in importers.names()),
        *(Component("Extractors", f"{modality} {name}", kind) for modality, name, kind in _extractors()),
        *(Component("Recognisers", name, kind) for name, kind in RECOGNISERS.items()),
        *(Component("Speaker encoders", name, kind) for name, kind in SPEAKER_ENCODERS.items()),
        *(Component("Objectives", name, thing) for name, thing in OBJECTIVES.items()),
        *(Component("Layers and fusion", thing.__name__, thing) for thing in _layers()),
        Component("Training", "training options", TrainingOptions),
        *(Component("Python names", name, thing) for name, thing in _public()),
    ]


def arguments(component: Component) -> list[Argument]:
    """The arguments of the constructor or function, with what the docstring says about them.

    A constructor that is inherited from another library is documented there.
    """
    about = documented(component.thing)
    if inspect.isclass(component.thing):
        (home, *_) = (c for c in component.thing.__mro__ if "__init__" in vars(c))
        if not home.__module__.startswith("crossspace"):
            return []
    hints = {**_hints(component.thing), **{name: _form(part) for name, part in _parts(component.thing).items()}}
    return [
        Argument(name, _annotation(hints.get(name, parameter.annotation)), _default(parameter), about.get(name, ""))
        for name, parameter in inspect.signature(component.thing).parameters.items()
        if name not in ("self", "args", "kwargs") and not name.startswith("_")
    ]


@dataclass(frozen=True)
class PartOption:
    """An option of a part.

    Attributes:
        of: the component of the part that has it, with its page; empty names for the one there is, or for all.
        argument: the option itself.
    """

    of: tuple[str, str]
    argument: Argument


def part_options(component: Component) -> dict[str, tuple[str, list[PartOption]]]:
    """``{argument: (what the part is, its options)}`` of a component that has parts."""
    found = {}
    for name, part in _parts(component.thing).items():
        rows = []
        for kind, thing in part.here.items():
            made = Component("Layers and fusion", thing.__name__, thing)
            own = [a for a in arguments(made) if a.name in part.own(kind)]
            rows += [PartOption((kind, made.page) if kind else ("", ""), argument) for argument in own]
        if part.place is not None:
            about, hints = documented(part.place), _hints(part.place)
            rows += [
                PartOption(("", ""), Argument(n, _annotation(hints[n]), _default(p), about.get(n, "")))
                for n, p in part.placed.items()
            ]
        found[name] = (part.what, rows)
    return found


def _parts(thing: Any) -> Mapping[str, Part]:
    return parts_of(thing) if inspect.isclass(thing) and issubclass(thing, Model) else {}


def _form(part: Part) -> str:
    return "name | name and options" if part.named else "options"


def documented(thing: Any) -> dict[str, str]:
    """``{argument: text}`` of a docstring; ``a, b: text`` speaks of both."""
    found = {}
    for names, text in Docstring.of(thing).sections.get("Args", ()):
        for name in names.split(","):
            found[name.strip()] = " ".join(text.split())
    if is_dataclass(thing):
        for names, text in Docstring.of(thing).sections.get("Attributes", ()):
            found.update((name.strip(), " ".join(text.split())) for name in names.split(","))
    return found


@dataclass(frozen=True)
class Docstring:
    """A docstring in its parts.

    Attributes:
        summary: the first sentence.
        body: what follows it, up to the first section.
        sections: ``{heading: [(name, text)]}``; the name is empty where a section has no entries.
    """

    summary: str
    body: str
    sections: dict[str, list[tuple[str, str]]]

    @classmethod
    def of(cls, thing: Any) -> Docstring:
        """Read the docstring of ``thing``."""
        parsed = _PARSER.parse(inspect.getdoc(thing) or "")
        sections: dict[str, list[tuple[str, str]]] = {}
        for entry in parsed.meta:
            heading = _HEADINGS.get(entry.args[0])
            if heading is not None:
                name = getattr(entry, "arg_name", None) or getattr(entry, "type_name", None) or ""
                sections.setdefault(heading, []).append((name, (entry.description or "").strip()))
        return cls((parsed.short_description or "").strip(), (parsed.long_description or "").strip(), sections)


def methods(thing: Any) -> Iterator[tuple[str, str, Docstring]]:
    """Name, signature and docstring of the public methods and properties that a class itself brings."""
    for name, member in vars(thing).items() if inspect.isclass(thing) else ():
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(function) or not inspect.getdoc(function):
            continue
        signature = "" if isinstance(member, property) else _signature(function)
        yield name, signature, Docstring.of(function)


def _extractors() -> Iterator[tuple[str, str, type]]:
    for modality, kinds in extractors().items():
        for name, kind in kinds.items():
            yield modality, name, kind


def _layers() -> Iterator[type]:
    from torch import nn

    packages = (crossspace.nn, crossspace.models)
    for found in (info for p in packages for info in pkgutil.walk_packages(p.__path__, f"{p.__name__}.")):
        module = importlib.import_module(found.name)
        for name, thing in vars(module).items():
            own = inspect.isclass(thing) and thing.__module__ == module.__name__
            if own and issubclass(thing, nn.Module) and not issubclass(thing, Model) and not name.startswith("_"):
                yield thing


def _public() -> Iterator[tuple[str, Any]]:
    for name in crossspace.__all__:
        if not name.startswith("_"):
            yield name, getattr(crossspace, name)
    for name in crossspace.balance.__all__:
        thing = getattr(crossspace.balance, name)
        if inspect.isfunction(thing):
            yield name, thing


def _hints(thing: Any) -> dict[str, Any]:
    """Annotations with their names looked up, as far as these can be found while the program runs."""
    try:
        return typing.get_type_hints(thing.__init__ if inspect.isclass(thing) else thing)
    except NameError:
        return {}


def _annotation(found: Any) -> str:
    if found is inspect.Parameter.empty:
        return ""
    text = found if isinstance(found, str) else inspect.formatannotation(found)
    text = re.sub(r"\b(?:typing|collections\.abc|torch|crossspace|pathlib)\.(?:\w+\.)*", "", text)
    text = re.sub(r"Literal\[(.*?)\]", lambda choices: choices[1].replace(", ", " | "), text)
    return re.sub(r"Optional\[(.*)\]", r"\1 | None", text)


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    if value is inspect.Parameter.empty:
        return "required"
    if repr(value).startswith("<"):
        return "its own"
    return repr(value)


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    kept = [
        p.replace(annotation=inspect.Parameter.empty)
        for n, p in signature.parameters.items()
        if n not in ("self", "cls")
    ]
    return str(signature.replace(parameters=kept, return_annotation=inspect.Signature.empty))
