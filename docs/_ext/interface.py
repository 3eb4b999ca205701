"""The HTTP interface as the application itself describes it, and its WebSockets as their docstrings do."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from catalogue import Docstring
from pydantic import BaseModel
from starlette.routing import WebSocketRoute

from crossspace.serve import preview_schemas, schemas
from crossspace.serve.app import create_app
from crossspace.serve.settings import Settings

_MENTIONED = re.compile(r":class:`~?(?:\w+\.)*(\w+)`")
_NAMES = {"integer": "whole number", "string": "text", "boolean": "true or false", "number": "number", "null": "null"}
_ADDRESS = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Value:
    """A key of an object, or a parameter of a route."""

    name: str
    kind: str
    default: str
    about: str


@dataclass(frozen=True)
class Route:
    """One way in.

    Attributes:
        method: ``GET``, ``POST`` or ``WebSocket``.
        path: behind the address of the server.
        summary, about: what it does.
        parameters: in the address.
        bodies: ``[(content type, its keys)]`` of what is sent.
        answers: ``[(status, description, kind)]``.
        example: what is sent as a file, and a command that calls it.
    """

    method: str
    path: str
    summary: str
    about: str
    parameters: list[Value] = field(default_factory=list)
    bodies: list[tuple[str, list[Value]]] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    example: tuple[str, str] = ("", "")


def interface() -> dict[str, Any]:
    """What the page is made from: ``about``, ``routes`` and ``objects`` ``{name: (about, keys)}``."""
    nobody: Any = SimpleNamespace(name="model", extractors={}, predictor=SimpleNamespace(name="model"))
    app = create_app(nobody, Settings())
    described = app.openapi()
    return {
        "about": described["info"]["description"],
        "routes": [*_routes(described), *_sockets(app.routes)],
        "objects": {model.__name__: _object(model) for model in _models()},
    }


def link(name: str) -> str:
    """An object by its name, leading to where its keys are told."""
    return f"[{name}](#{name.lower()})"


def _models() -> list[type[BaseModel]]:
    return [
        thing
        for module in (schemas, preview_schemas)
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, BaseModel) and thing.__module__ == module.__name__
    ]


def _object(model: type[BaseModel]) -> tuple[str, list[Value]]:
    schema = model.model_json_schema()
    return (inspect.getdoc(model) or "").split("\n\n")[0], _values(schema)


def _values(schema: dict[str, Any]) -> list[Value]:
    required = schema.get("required", ())
    return [
        Value(name, kind(one), "required" if name in required else _default(one), one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    ]


def _default(schema: dict[str, Any]) -> str:
    return "" if schema.get("default") is None else str(schema["default"])


def kind(schema: dict[str, Any]) -> str:
    """The type that a schema describes, in a few words of Markdown."""
    known = {model.__name__ for model in _models()}
    if "$ref" in schema or schema.get("title") in known:
        return link(schema.get("title") if "$ref" not in schema else schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"map to {kind(inner)}" if isinstance(inner, dict) else "object"
    if schema.get("format") == "binary":
        return "file"
    return _NAMES.get(schema.get("type", ""), "anything")


def _routes(described: dict[str, Any]) -> Iterator[Route]:
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            content = route.get("requestBody", {}).get("content", {})
            yield Route(
                method.upper(),
                path,
                route.get("summary", ""),
                route.get("description", ""),
                [
                    Value(
                        one["name"],
                        kind(one["schema"]),
                        "required" if one.get("required") else _default(one["schema"]),
                        one.get("description", ""),
                    )
                    for one in route.get("parameters", ())
                ],
                [(form, _values(one["schema"])) for form, one in content.items()],
                [(status, one["description"], _answered(one)) for status, one in route["responses"].items()],
                _example(method.upper(), path, content),
            )


def _answered(answer: dict[str, Any]) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return kind(schema) if "$ref" in schema else ""


def _example(method: str, path: str, content: dict[str, Any]) -> tuple[str, str]:
    """A file to send, if it is JSON, and a line for a shell; of a form, every file that it may have."""
    if "multipart/form-data" in content:
        names = content["multipart/form-data"]["schema"]["properties"]
        return "", f"curl {' '.join(f'-F {name}=@{name.upper()}' for name in names)} {_ADDRESS}{path}"
    for one in content.get("application/json", {}).get("schema", {}).get("examples", ()):
        return json.dumps(one, indent=2), f"curl --json @conversation.json {_ADDRESS}{path}"
    return "", f"curl {_ADDRESS}{path}" if method == "GET" else ""


def _sockets(routes: Iterable[Any]) -> Iterator[Route]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _sockets(inner.routes)
        elif isinstance(route, WebSocketRoute):
            said = Docstring.of(route.endpoint)
            summary, about = (_MENTIONED.sub(lambda m: link(m[1]), text) for text in (said.summary, said.body))
            yield Route("WebSocket", route.path, summary, about)
