"""A server that speaks S3 on this machine, and what goes wrong on the way to it."""

from __future__ import annotations

import logging
import urllib.request
import uuid
from collections.abc import Callable, Iterator

import fsspec
import pytest

from benchmarks.proxy import Proxy

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
