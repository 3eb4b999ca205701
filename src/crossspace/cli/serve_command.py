"""``crossspace serve``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from crossspace.cli.parsing import Parser, pairs
from crossspace.cli.transcribing import add_transcribing, transcribing_of
from crossspace.errors import UsageError
from crossspace.runtime import optional_import
from crossspace.serve.settings import Settings

_ABOUT = """Analyze conversations over HTTP, live ones over a WebSocket, and on a web page.

Without RUN the model shipped with crossspace answers. Sizes may be written 200MB, times in seconds."""

_SIZES = {
    "media": "size of an uploaded recording",
    "transcript": "size of an uploaded transcript",
    "conversation": "size of a posted conversation",
    "message": "size of a live message",
}
_COUNTS = {
    "utterances": "utterances of one conversation",
    "characters": "characters of one conversation",
    "queue": "requests of one kind that may wait and be worked on; who comes then is told to come again",
    "live": "live conversations at once",
}
_TOKEN = "CROSSSPACE_TOKEN"


def run(words: Sequence[str]) -> int:
    """Serve."""
    options = parsers()[""].parse_all(words)
    # The environment is the better place: other users see the arguments of a process.
    transcribing = transcribing_of(options)
    token = options.token if options.token is not None else os.environ.get(_TOKEN) or None
    # Every other option is a field of the settings by the same name.
    limits = {name: value for name, value in vars(options).items() if name not in ("run", "extractors", "token")}
    settings = Settings(token=token, **limits)
    # Before the model is loaded, which takes longer than finding out.
    for library in ("fastapi", "uvicorn", "websockets", "python_multipart"):
        optional_import(library, "serve")

    from crossspace.analysis.analyzer import Analyzer
    from crossspace.serve.app import create_app
    from crossspace.serve.running import listen, serve

    listening, address = listen(settings)
    with listening:
        hearing: dict[str, Any] = {} if transcribing is None else {"transcribing": transcribing}
        analyzer = Analyzer.load(options.run, options.extractors, **hearing)
        app = create_app(analyzer, settings)
        app.state.crossspace.prepare()
        try:
            serve(app, settings, listening, lambda: _say(analyzer.name, analyzer.in_the_box, address, settings))
        except KeyboardInterrupt:
            # Ctrl-C is how a server is ended, so it ends well.
            print("crossspace: the server has ended.", file=sys.stderr)
    return 0


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    default = Settings()
    parser = Parser(prog="crossspace serve", description=_ABOUT, imports=True)
    parser.add_argument("run", nargs="?", help="run folder, folder of a seed or of an exported model, or name on a hub")
    parser.add_argument("--host", default=default.host, help="address to listen on (default: this computer only)")
    parser.add_argument("--port", type=int, default=default.port, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--token", help=f"what clients must show; better given as {_TOKEN} in the environment")
    parser.add_argument(
        "--extractors", type=pairs, default={}, metavar="M=NAME,...", help="where the extractors of the model are found"
    )
    add_transcribing(parser)
    for name, what in _SIZES.items():
        key = f"max_{name}"
        parser.add_argument(_option(key), type=size, default=getattr(default, key), metavar="SIZE", help=_of(what, key))
    for name, what in _COUNTS.items():
        key = f"max_{name}"
        parser.add_argument(_option(key), type=int, default=getattr(default, key), metavar="N", help=_of(what, key))
    for key, what in (
        ("max_duration", "length of a recording, seconds"),
        ("timeout", "from the first byte of a request to its answer, seconds"),
        ("stall", "how long an upload may pause, seconds"),
        ("least_rate", "what an upload must bring after that, bytes per second"),
        ("live_rate", "live messages per second"),
        ("live_idle", "longest silence of a live conversation, seconds"),
    ):
        parser.add_argument(_option(key), type=float, default=getattr(default, key), metavar="X", help=_of(what, key))
    return {"": parser}


def size(text: str) -> int:
    """Bytes from ``5000``, ``64KB``, ``200MB`` or ``1.5GB``."""
    number, factor = text.strip().upper().removesuffix("B"), 1
    # Powers of ten, as disks and networks are sold.
    for letter, power in (("K", 10**3), ("M", 10**6), ("G", 10**9)):
        if number.endswith(letter):
            number, factor = number[:-1], power
    try:
        return round(float(number) * factor)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"A size should be a number, possibly with KB, MB or GB. Found {text!r}.") from error


def _option(key: str) -> str:
    return "--" + key.replace("_", "-")


def _of(what: str, key: str) -> str:
    value = getattr(Settings(), key)
    if key.removeprefix("max_") in _SIZES:
        return f"{what} (default: {value / 1e6:g}MB)"
    return f"{what} (default: {value:g})"


def _say(model: str, in_the_box: bool, address: str, settings: Settings) -> None:
    shipped = " (shipped with crossspace, since none was named)" if in_the_box else ""
    print(f"Model: {model}{shipped}")
    if not settings.is_loopback and settings.token is None:
        print(
            f"Warning: whoever reaches {settings.host} may use this server. Set {_TOKEN} or --token, and put a proxy "
            "with TLS before it.",
            file=sys.stderr,
        )
    print(f"Listening on {address}  (Ctrl-C ends it)", flush=True)
