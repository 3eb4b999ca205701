"""Stands between a client and a server on this machine; counts requests, and cuts connections."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Proxy:
    """Stands between a client and a server; counts, and cuts connections.

    Attributes:
        requests: the first lines of the requests that went through.
        received: bytes that the server sent.
        cuts: how many connections are still to be cut.
        after: bytes of an answer, or of a request, after which one is cut.
        only: a connection is cut only where its request begins so.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.requests: list[str] = []
        self.received = self.cuts = self.made = 0
        self.after, self.only, self.upwards = 20_000, b"", False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = "http://{}:{}".format(*self._listening.getsockname())
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, times: int, after: int, only: bytes = b"", upwards: bool = False) -> None:
        """Cut so many connections after so many bytes."""
        self.after, self.only, self.upwards, self.made, self.cuts = after, only, upwards, 0, times

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._between, args=(client,), daemon=True).start()

    def _between(self, client: socket.socket) -> None:
        upstream = socket.create_connection(self.target)
        state = {"verb": b"", "up": 0, "down": 0}
        pair = (client, upstream)
        threading.Thread(target=self._pump, args=(client, upstream, state, "up", pair), daemon=True).start()
        self._pump(upstream, client, state, "down", pair)

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        state: dict[str, object],
        way: str,
        pair: tuple[socket.socket, socket.socket],
    ) -> None:
        try:
            while block := source.recv(4096):
                if way == "up":
                    line = block.split(b"\r\n", 1)[0]
                    if line.endswith(b"HTTP/1.1"):
                        state.update(verb=line, up=0, down=0)
                        self.requests.append(line.decode())
                else:
                    self.received += len(block)
                state[way] = int(str(state[way])) + len(block)
                counts = (way == "up") == self.upwards and int(str(state[way])) > self.after
                if self.cuts and counts and bytes(state["verb"]).startswith(self.only):  # type: ignore[arg-type]
                    self.cuts, self.made = self.cuts - 1, self.made + 1
                    return
                sink.sendall(block)
        except OSError:
            pass
        finally:
            for one in pair:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
