"""The Host and Origin headers, read strictly: what is not exactly a name and a port is nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})))(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://(.*)", re.DOTALL)
_PORTS = {"http": 80, "https": 443}

HostAndPort = tuple[str, int | None]
"""A name in lower case, or an address, and a port where one is given."""


def host_of(values: Sequence[str]) -> HostAndPort | None:
    """What the Host headers of a request say; ``None`` unless there is one and it is a name or address with or without
    a port: no user, no path, no space, no sign beyond ASCII."""
    return _host_and_port(values[0]) if len(values) == 1 else None


def is_own(origins: Sequence[str], host: HostAndPort | None) -> bool:
    """Whether the Origin headers of a request are one, and name the place that its Host header names."""
    origin = _ORIGIN.fullmatch(origins[0]) if len(origins) == 1 else None
    named = _host_and_port(origin.group(2)) if origin else None
    if origin is None or named is None or host is None:
        return False
    # A browser leaves out the usual port of a scheme; a Host header may or may not.
    usual = _PORTS[origin.group(1)]
    return (named[0], named[1] or usual) == (host[0], host[1] or usual)


def _host_and_port(authority: str) -> HostAndPort | None:
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return None
    address, name, port = match.groups()
    if port is not None and not 0 < int(port) <= 65535:
        return None
    try:
        return str(ipaddress.IPv6Address(address)) if address else name.lower(), int(port) if port else None
    except ValueError:
        return None
