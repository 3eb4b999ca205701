"""Parts of a component: plain data in a configuration, with the arguments of a constructor of their own as options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args, get_type_hints

from crossspace.components import Components
from crossspace.errors import UsageError, suggestion

PartSpec = str | Mapping[str, Any] | None
"""How a part is written: ``{name: low-rank, rank: 8}``, its plain name, or nothing for what is usual."""


@dataclass(frozen=True, eq=False)
class Part:
    """What an argument of a model may hold: a component chosen by name, or the one component there is.

    An argument is a part where it is annotated ``Annotated[PartSpec, Part(...)]``. Its options are the arguments of the
    constructor of the chosen component and those of ``place``; there is no other list of them. With another name the
    options of the component chosen before fall away, those of the place stay.

    Args:
        what: what it is, in the words of a message.
        kinds: the components, by the name that chooses them; a single one under an empty name.
        usual: the name that holds where none is stated.
        given: arguments that the model gives and that are no options. A component gets those it has.
        place: builds the component where the part stands: ``place(kind, own_options, **given, **other_options)``. Its
            keyword arguments that are not given are options beside every component.
    """

    what: str
    kinds: Mapping[str, type]
    usual: str = ""
    given: frozenset[str] = frozenset()
    place: Callable[..., Any] | None = None

    @property
    def named(self) -> bool:
        """Whether there is a choice."""
        return bool(self.usual)

    @property
    def here(self) -> Mapping[str, type]:
        """The components that can be had without importing what installed packages offer."""
        return self.kinds.here if isinstance(self.kinds, Components) else self.kinds

    @cached_property
    def placed(self) -> dict[str, inspect.Parameter]:
        """The options that stand beside every component."""
        taken = {} if self.place is None else inspect.signature(self.place).parameters
        return {n: p for n, p in taken.items() if p.kind is p.KEYWORD_ONLY and n not in self.given}

    def own(self, name: str) -> dict[str, inspect.Parameter]:
        """The options of a component, but for those that the place has as well."""
        taken = inspect.signature(self.kinds[name]).parameters
        return {n: p for n, p in taken.items() if n not in self.given and n not in self.placed}

    def options(self, name: str) -> dict[str, inspect.Parameter]:
        """All options beside a name."""
        return {**self.own(name), **self.placed}

    def hints(self, name: str) -> dict[str, Any]:
        """The types of :meth:`options`."""
        own = get_type_hints(self.kinds[name].__init__)  # type: ignore[misc]
        hints = {**own, **(get_type_hints(self.place) if self.place else {})}
        return {option: hints[option] for option in self.options(name) if option in hints}

    def name_of(self, spec: object) -> Any:
        """The name that is stated, or the usual one."""
        return spec.get("name", self.usual) if self.named and isinstance(spec, Mapping) else self.usual

    def merged(self, old: object, new: object) -> Any:
        """``new`` over ``old``."""
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            return new
        if self.name_of({**old, **new}) != self.name_of(old):
            old = {option: value for option, value in old.items() if option in self.placed}
        return {**old, **new}

    def complete(self, spec: PartSpec, where: str = "") -> dict[str, Any]:
        """The name and every option, those not stated as they are by default.

        Raises:
            UsageError: every fault in names, with the nearest known ones.
        """
        where = where or self.what
        stated = self.stated(spec)
        faults = self.faults(stated, where)
        if faults:
            raise UsageError("\n".join(faults))
        name = self.name_of(stated)
        options = {n: stated.get(n, p.default) for n, p in self.options(name).items()}
        without = [
            f"`{where}.{n}` has no value. Give it one." for n, v in options.items() if v is inspect.Parameter.empty
        ]
        if without:
            raise UsageError("\n".join(without))
        return {"name": name, **options} if self.named else options

    def stated(self, spec: Any) -> Any:
        """A plain name and nothing as the mappings they stand for."""
        if isinstance(spec, str) and self.named:
            return {"name": spec}
        return {} if spec is None else dict(spec) if isinstance(spec, Mapping) else spec

    def faults(self, stated: object, where: str, names: bool = True) -> list[str]:
        """What is wrong with the form of a part, the component it chooses and the ``names`` of its options."""
        if not isinstance(stated, Mapping):
            form = "a name, or a mapping of a name and its options" if self.named else "a mapping of options"
            return [f"`{where}` should be {form}. Found {stated!r}."]
        name = self.name_of(stated)
        if not isinstance(name, str) or name not in self.kinds:
            return [f"`{where}`: there is no {self.what} {name!r}. {suggestion(str(name), self.kinds)}"]
        known = {*self.options(name), *(["name"] if self.named else [])}
        return [self.unknown(str(option), name, where) for option in stated if names and option not in known]

    def unknown(self, option: str, name: str, where: str) -> str:
        """That a component has no such option, what may have been meant, and who has it."""
        of = f" of the {self.what} {name!r}" if self.named else ""
        known = self.options(name)
        others = [n for n in self.here if option in self.own(n)]
        near = suggestion(option, known) if known else "It has no options."
        elsewhere = f" It is an option of {', '.join(map(repr, others))}." if others else ""
        return f"Unknown argument '{where}.{option}'{of}. {near}{elsewhere}"

    def build(self, spec: PartSpec, **given: Any) -> Any:
        """The component.

        Args:
            spec: as it is written.
            **given: what the model gives.

        Raises:
            UsageError: it is not one of these, or has other options.
        """
        stated = self.complete(spec)
        name = stated.pop("name") if self.named else self.usual
        kind = self.kinds[name]
        if self.place is None:
            has = inspect.signature(kind).parameters
            return kind(**{n: v for n, v in given.items() if n in has and n in self.given}, **stated)
        own = {option: stated.pop(option) for option in self.own(name)}
        return self.place(kind, own, **given, **stated)


def parts_of(kind: type) -> Mapping[str, Part]:
    """``{argument: part}`` of the arguments of a constructor that are parts."""
    try:
        hints = get_type_hints(kind.__init__, include_extras=True)  # type: ignore[misc]
    except NameError:  # types that are imported for type checkers alone; a part must be there to build
        return {}
    return {name: part for name, hint in hints.items() for part in _parts(hint)}


def _parts(hint: Any) -> Iterator[Part]:
    # Python 3.10 makes `Optional[Annotated[...]]` of an argument whose default is None.
    for one in (hint, *get_args(hint)):
        yield from (note for note in getattr(one, "__metadata__", ()) if isinstance(note, Part))


def nested(kind: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in which every part is one mapping: ``fusion.rank`` goes into ``fusion``, a name is spelled out."""
    parts, result = parts_of(kind), {}
    for key, value in arguments.items():
        argument, dot, option = str(key).partition(".")
        part = parts.get(argument)
        if part is None:
            result[key] = value
            continue
        new = {option: value} if dot else part.stated(value) if value is not None else None
        old = result.get(argument)
        result[argument] = {**old, **new} if isinstance(old, Mapping) and isinstance(new, Mapping) else new
    return result


def merged(kind: type, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a component with those of a later layer over them."""
    new, parts = nested(kind, new), parts_of(kind)
    return {**old, **{k: parts[k].merged(old.get(k), v) if k in parts else v for k, v in new.items()}}


def needs_value(hint: Any) -> bool:
    """Whether null is no value of this type."""
    return type(None) not in get_args(hint)
