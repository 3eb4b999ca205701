"""Every component by kind and name: what the box holds, what was named from outside, what installed packages offer."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

import yaml

from crossspace.components.installed import Offer, offers
from crossspace.components.origin import Origin
from crossspace.errors import UsageError

Component = TypeVar("Component")


class Outside(NamedTuple):
    """A component from outside of the package, and where it came from."""

    component: type
    origin: Origin


_LONGEST = 64
_NAME = re.compile(r"[^\W_][\w.-]*")

OUTSIDE: dict[tuple[str, str], Outside] = {}
"""By kind and name, in the order in which they came."""

_KINDS: dict[str, Components] = {}


class Components(Mapping[str, type[Component]], Generic[Component]):
    """The components of one kind by name.

    Looking up a name that an installed package offers imports what it offers there; nothing else imports code from
    outside.

    Args:
        kind: what users call such a thing, ``model`` or ``text extractor``.
        base: what they all derive from.
        box: finds those of the package; called when they are first asked for.
        changed: told that there is one more.
    """

    def __init__(
        self,
        kind: str,
        base: type[Component],
        box: Callable[[], Mapping[str, type[Component]]],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.kind, self.base, self.changed = kind, base, changed
        self._find = box
        _KINDS[kind] = self

    @cached_property
    def box(self) -> Mapping[str, type[Component]]:
        """Those of the package."""
        return self._find()

    @property
    def outside(self) -> dict[str, Outside]:
        """Those from outside that are imported."""
        return {name: entry for (kind, name), entry in OUTSIDE.items() if kind == self.kind}

    @property
    def offered(self) -> dict[str, Offer]:
        """Those of installed packages that are not imported."""
        return {name: o for name, o in offers(self.kind).items() if name not in self.box and name not in self.outside}

    @property
    def shadowed(self) -> dict[str, Offer]:
        """Those of installed packages that cannot be had, since the box has one of this name."""
        return {name: offer for name, offer in offers(self.kind).items() if name in self.box}

    @property
    def here(self) -> Mapping[str, type[Component]]:
        """Those that can be had without importing anything from outside."""
        return {**self.box, **{name: entry.component for name, entry in self.outside.items()}}

    def __getitem__(self, name: str) -> type[Component]:
        if name in self.box:
            return self.box[name]
        if (self.kind, name) not in OUTSIDE:
            if name not in self.offered:
                raise KeyError(name)
            self._take(name, self.offered[name])
        return OUTSIDE[self.kind, name].component

    def _take(self, name: str, offer: Offer) -> None:
        component = offer.load()
        if not isinstance(component, type) or not issubclass(component, self.base):
            raise UsageError(f"{offer} should offer a {self.kind} called {name!r}. Found {component!r}.")
        origin = Origin.of_module(component.__module__, offer.distribution, offer.version)
        add([component], origin)
        if (self.kind, name) not in OUTSIDE:
            raise UsageError(
                f"{offer} should offer a {self.kind} called {name!r}. {component.__qualname__} calls itself "
                f"{name_of(self.kind, component, origin)!r}; the two names should be one."
            )

    def __contains__(self, name: object) -> bool:
        return name in list(self)  # that of the mapping would look it up, which may import

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.box, *self.outside, *self.offered]))

    def __len__(self) -> int:
        return len(list(iter(self)))


def kind_of(component: type) -> Components | None:
    """The kind that a class is of; None when it is no component."""
    return next((k for k in _KINDS.values() if issubclass(component, k.base) and component is not k.base), None)


def name_of(kind: str, component: type, origin: Origin) -> str:
    """How users call a component; empty for a class that is only there to derive others from."""
    if kind == "importer":  # the arguments of an importer are often called `name`
        said = getattr(component, "format", "")
        return str(said) if said else "" if _abstract(component) else origin.stem
    said = getattr(component, "name", "")
    return said if isinstance(said, str) else ""


def lacks(component: type) -> list[str]:
    """What a component does not say or do though its kind must: methods and attributes."""
    stated = [
        name
        for base in component.__mro__
        if base.__module__.startswith("crossspace.")
        for name, hint in inspect.get_annotations(base).items()
        if "ClassVar" in str(hint) and not hasattr(component, name)
    ]
    return [*_abstract(component), *dict.fromkeys(stated)]


def _abstract(component: type) -> list[str]:
    return [n for n in dir(component) if getattr(getattr(component, n, None), "__isabstractmethod__", False)]


def add(components: Sequence[type], origin: Origin, whole: bool = False) -> list[str]:
    """Make classes known, all of them or none; returns their kinds and names.

    Args:
        components: classes of one module; what is no component, or has no name, is passed over.
        origin: the module.
        whole: these are all that it has: others that came from it before are forgotten.

    Raises:
        UsageError: one is unfinished, or has the name of another.
    """
    added: dict[tuple[str, str], Outside] = {}
    for component in components:
        kind = kind_of(component)
        name = name_of(kind.kind, component, origin) if kind else ""
        attribute = "format" if kind is not None and kind.kind == "importer" else "name"
        if kind is not None and not isinstance(vars(component).get(attribute, ""), str):
            raise UsageError(
                f"{origin}: the `{attribute}` of {component.__qualname__} should be text. Found "
                f"{vars(component)[attribute]!r}. Write it in quotation marks."
            )
        if kind is not None and name:
            _check(kind, name, Outside(component, origin), added)
            added[kind.kind, name] = Outside(component, origin)
    for key in [key for key, old in OUTSIDE.items() if old.origin.module == origin.module and (whole or key in added)]:
        del OUTSIDE[key]
    OUTSIDE.update(added)
    for kind_name in {kind for kind, _ in added}:
        _KINDS[kind_name].changed()
    return [f"{kind} {name}" for kind, name in added]


def _check(kind: Components, name: str, new: Outside, beside: Mapping[tuple[str, str], Outside]) -> None:
    """Raise :class:`UsageError` where it is unfinished or its name is taken, be it by one that comes ``beside`` it."""
    shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
    which = f"{new.origin}: the {kind.kind} {shown!r} ({new.component.__qualname__})"
    if absent := lacks(new.component):
        raise UsageError(f"{which} is not finished. It lacks {', '.join(absent)}.")
    if fault := _fault_of(name):
        raise UsageError(f"{which}: {fault}")
    other = _of_this_name(kind, name, new) or beside.get((kind.kind, name))
    if isinstance(other, Outside):
        other = f"{other.component.__qualname__} in {other.origin}"
    if other is not None:
        attribute = "format" if kind.kind == "importer" else "name"
        raise UsageError(f"{which} has the name of another, {other}. Give it a `{attribute}` of its own.")


def _fault_of(name: str) -> str:
    """What keeps a name from being typed as an option, written in YAML and shown on one line; empty when nothing does.

    YAML reads ``null``, ``true`` and ``7`` as something else than a name.
    """
    if len(name) <= _LONGEST and _NAME.fullmatch(name) and yaml.safe_load(name) == name:
        return ""
    return (
        f"a name should be a word of at most {_LONGEST} letters, digits, hyphens, dots and underscores that begins "
        f"with a letter or digit and that YAML reads as text. Found {len(name)} characters. Give it another one."
    )


def _of_this_name(kind: Components, name: str, new: Outside) -> Outside | str | None:
    """What already has this name, unless it came from the same module, or the same package offers it."""
    if name in kind.box:
        return Outside(kind.box[name], Origin(kind.box[name].__module__))
    known, offer = OUTSIDE.get((kind.kind, name)), offers(kind.kind).get(name)
    if known is not None:
        return None if known.origin.module == new.origin.module else known
    return None if offer is None or offer.is_home_of(new.component) else f"which {offer} offers"


def imported() -> tuple[Origin, ...]:
    """What came from outside so far and other processes can import too, in the order in which it came."""
    origins = dict.fromkeys(entry.origin for entry in OUTSIDE.values())
    return tuple(origin for origin in origins if origin.module not in ("__main__", "__mp_main__"))


def origin_of(component: type) -> Origin | None:
    """Where a class from outside came from; None for one of the package."""
    known = next((entry.origin for entry in OUTSIDE.values() if entry.component is component), None)
    inside = component.__module__.split(".")[0] == "crossspace"
    return known if known or inside else Origin.of_module(component.__module__)
