"""YAML from a person's hand: bounded in what it may unfold to, its faults told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from crossspace.errors import UsageError
from crossspace.reading import reading

_MOST_VALUES = 100_000
"""Values after all aliases are written out; a kilobyte of nested aliases may stand for billions."""
_DEEPEST = 64
_LARGEST = 4_000_000
"""Bytes of a file."""


def read_yaml_file(path: str | Path, expected: str) -> Any:
    """What a YAML file holds.

    Args:
        path: the file.
        expected: what it should be, for the message: ``a YAML file with a study``.

    Raises:
        UsageError: it cannot be read, or unfolds to more than a configuration can be.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: {expected} is expected. Found {path.stat().st_size:,} bytes. Check the path.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: {expected} is expected here. Found nothing. Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {expected} is expected. Found: {error}.") from error
    return parsed_yaml(text, str(path), expected)


def parsed_yaml(text: str, source: str, expected: str) -> Any:
    """What a YAML text holds; ``source`` and ``expected`` are for the message.

    Raises:
        UsageError: it is not YAML, or unfolds to more than a configuration can be.
    """
    try:
        with reading(source, expected, "Mend it there."):
            loader = _Bounded(text)
            try:
                node = loader.get_single_node()
                if node is None:
                    return None
                _check(node)
                return loader.construct_document(node)
            finally:
                loader.dispose()
    except UsageError:
        raise
    except Exception as error:  # a fault of what somebody wrote for us, not of data
        raise UsageError(str(error)) from error


class _Bounded(yaml.SafeLoader):
    """Ends while it reads, before a long or deep document has become objects."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A node and what is in it.

        Raises:
            ValueError: there are too many, or one lies too deep.
        """
        self._values += 1
        self._depth += 1
        if self._values > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values")
        if self._depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _check(root: yaml.Node) -> None:
    """Count what a document unfolds to, each node once however often it is referred to.

    Raises:
        ValueError: it unfolds to too much, or refers to itself.
    """
    sizes: dict[int, int] = {}
    open_: set[int] = set()

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_:
            raise ValueError("an alias that refers to what it stands in")
        open_.add(id(node))
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif isinstance(node, yaml.MappingNode):
            _check_keys(node)
            parts = [part for pair in node.value for part in pair]
        total = 1 + sum(size(part) for part in parts)
        if total > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values once its aliases are written out")
        open_.discard(id(node))
        sizes[id(node)] = total
        return total

    size(root)


def _check_keys(node: yaml.MappingNode) -> None:
    """Refuse what stands twice in one mapping: YAML would take the last and say nothing.

    Raises:
        ValueError: a key does.
    """
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in seen:
            raise ValueError(f"{key.value!r} twice in one mapping, again in line {key.start_mark.line + 1}")
        seen.add((key.tag, key.value))
