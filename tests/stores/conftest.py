"""A server that speaks S3 on this machine, and what goes wrong on the way to it."""

from __future__ import annotations

import logging
import socket
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import fsspec
import pytest

pytest.importorskip("upath")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The endpoint of a server of objects."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("CROSSSPACE_STORE_TIMEOUT", "5")


_used: list[str] = []


def _use(endpoint: str, monkeypatch: pytest.MonkeyPatch, fresh: bool = False) -> None:
    """Set the endpoint, and forget clients that were made for another one."""
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    if fresh or _used != [endpoint]:
        s3fs.S3FileSystem.clear_instance_cache()
        _used[:] = [endpoint]


@pytest.fixture
def bucket(server: str, credentials: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket."""
    _use(server, monkeypatch)
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    # Not by the library, whose clients take their time to begin.
    urllib.request.urlopen(urllib.request.Request(f"{server}/{name}", method="PUT")).close()
    return f"s3://{name}"


@pytest.fixture
def memory() -> Iterator[str]:
    """The address of an empty folder in the memory of this process."""
    name = uuid.uuid4().hex
    yield f"memory://{name}"
    system = fsspec.filesystem("memory")
    if system.exists(f"/{name}"):
        system.rm(f"/{name}", recursive=True)


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


@pytest.fixture
def proxy(bucket: str, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What stands between the client and the server from now on."""
    host, _, port = server.removeprefix("http://").partition(":")
    between = Proxy((host, int(port)))
    _use(between.address, monkeypatch)
    yield between
    between.close()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the endpoint of the store."""

    def put(endpoint: str) -> None:
        _use(endpoint, monkeypatch, fresh=True)

    return put
