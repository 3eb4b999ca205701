"""What a server allows: every limit in one place, with its default."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crossspace.errors import UsageError

_MEGABYTE = 1_000_000
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Limits and address of a server. Sizes are bytes, times are seconds.

    Attributes:
        host, port: where it listens; port 0 takes a free one.
        token: what clients must show as ``Authorization: Bearer TOKEN``; ``None`` lets everyone in who reaches it.
        max_media, max_transcript, max_conversation: size of an uploaded recording, transcript, posted conversation.
        max_duration: length of a recording.
        max_utterances, max_characters: of one conversation.
        max_queue: recordings, and apart from them posted conversations, that may be inside at once; one of each is
            worked on, the others wait. Who comes when it is full is asked to come again. Four times as many may be
            on their way in for longer than a moment; then the slowest is turned away.
        timeout: from the first byte of a request to its answer.
        stall: how long an upload may pause, and a connection be open without a whole head of a request.
        least_rate: bytes per second that an upload brings on average, once it has lasted ``stall``.
        max_live: live conversations at once.
        max_message, live_rate, live_idle: size of a live message, messages per second, longest silence.

    Raises:
        UsageError: a limit is not above zero, or the token is empty.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = field(default=None, repr=False)
    max_media: int = 500 * _MEGABYTE
    max_transcript: int = 5 * _MEGABYTE
    max_conversation: int = 16 * _MEGABYTE
    max_duration: float = 7200.0
    max_utterances: int = 5000
    max_characters: int = 500_000
    max_queue: int = 8
    timeout: float = 1800.0
    stall: float = 15.0
    least_rate: float = 1000.0
    max_live: int = 16
    max_message: int = 256_000
    live_rate: float = 20.0
    live_idle: float = 300.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name not in ("host", "port", "token") and not value > 0:
                raise UsageError(f"{name} should be above 0. Found {value}.")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"port should be between 0 and 65535. Found {self.port}.")
        # A browser can show a token to a WebSocket only as a subprotocol, which may have these characters.
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise UsageError(
                "The token should be letters, digits and any of !#$%&'*+.^_`|~- . Found others, or nothing."
            )

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this computer can reach the server."""
        return self.host in _LOOPBACK

    @property
    def host_names(self) -> frozenset[str]:
        """What the ``Host`` header may say while the server is on loopback."""
        return frozenset((*_LOOPBACK, self.host.lower()))
