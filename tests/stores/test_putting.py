"""Writing to stores: whole or not at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crossspace.digests import check_sums, file_digest, write_sums
from crossspace.errors import DataError, WritingError
from crossspace.runtime import replacing, write_bytes, write_new, write_text
from crossspace.stores import place


@pytest.fixture(params=["memory", "bucket"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_a_file_is_there_when_the_block_ends(root: str) -> None:
    target = place(f"{root}/folder/x.bin")
    with replacing(target) as temporary:
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert not temporary.exists()


def test_a_failure_leaves_what_was_there(root: str) -> None:
    write_text(f"{root}/x", "old")
    with pytest.raises(ZeroDivisionError), replacing(f"{root}/x") as temporary:
        temporary.write_text(str(1 / 0))
    assert place(f"{root}/x").read_text() == "old"
    assert [one.name for one in place(root).iterdir()] == ["x"]


def test_of_several_one_is_the_first(root: str) -> None:
    won: list[int] = []
    barrier = threading.Barrier(4)

    def claim(number: int) -> None:
        barrier.wait()
        if write_new(f"{root}/claim", f"holder {number}"):
            won.append(number)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(won) == 1
    assert place(f"{root}/claim").read_text() == f"holder {won[0]}"
    assert not write_new(f"{root}/claim", "later")


def test_digests_are_held_against_a_folder_on_a_store(root: str) -> None:
    write_text(f"{root}/run/a", "content")
    write_sums(f"{root}/run", ["a", "b"])
    check_sums(f"{root}/run")
    write_text(f"{root}/run/a", "other")
    with pytest.raises(DataError, match="a was changed"):
        check_sums(f"{root}/run")


def test_a_digest_is_that_of_the_local_file(root: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(range(256)) * 9000)
    write_bytes(f"{root}/x", (tmp_path / "x").read_bytes())
    assert file_digest(f"{root}/x") == file_digest(tmp_path / "x")


@pytest.mark.parametrize("name", ["a b/ü ß.bin", "[x]*?.txt", "a#b%20c", "-x", "x?v=3", "emoji 🙂", "a&b=c+d"])
def test_odd_names_are_kept(root: str, name: str) -> None:
    write_text(f"{root}/{name}", name)
    assert place(f"{root}/{name}").read_text() == name
    assert write_new(place(root) / f"{name}.claim", "x")
    assert name.rpartition("/")[2] in [one.name for one in place(f"{root}/{name}").parent.iterdir()]


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises(WritingError, match=r"s3://none-such/x.*no such bucket"):
        write_text("s3://none-such/x", "text")
    assert not place("s3://none-such/x").exists()


def test_nobody_answers(bucket: str, elsewhere: Callable[[str], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    elsewhere(f"http://127.0.0.1:{port}")
    began = time.monotonic()
    with pytest.raises(WritingError, match=r"nobody answers.*AWS_ENDPOINT_URL"):
        write_text(f"{bucket}/x", "text")
    with pytest.raises(DataError, match="nobody answers"):
        place(f"{bucket}/x").exists()
    assert time.monotonic() - began < 20


@pytest.mark.long
def test_a_server_that_never_answers_ends_in_a_refusal(
    bucket: str, elsewhere: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSSPACE_STORE_TIMEOUT", "0.2")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        elsewhere("http://127.0.0.1:{1}".format(*silent.getsockname()))
        with pytest.raises(DataError, match="nobody answers"):
            place(f"{bucket}/x").read_bytes()
        for write in (write_text, write_new):
            with pytest.raises(WritingError, match="nobody answers"):
                write(f"{bucket}/x", "text")


class _Refusing(BaseHTTPRequestHandler):
    """A store that allows nothing."""

    protocol_version = "HTTP/1.1"

    def _refuse(self) -> None:
        said = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403)
        self.send_header("Content-Length", "0" if self.command == "HEAD" else str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _refuse

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_store_that_allows_nothing_is_named(bucket: str, elsewhere: Callable[[str], None]) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    elsewhere(f"http://127.0.0.1:{server.server_port}")
    address = place(f"{bucket}/x")
    for write in (lambda: write_text(address, "text"), lambda: write_new(address, "text"), lambda: address.unlink()):
        with pytest.raises(WritingError, match=rf"{bucket}/x: the store allows it not .*credentials"):
            write()
    for read in (address.exists, address.is_file, address.read_bytes, lambda: list(address.iterdir())):
        with pytest.raises(DataError, match=rf"{bucket}/x cannot be read: the store allows it not"):
            read()
    server.shutdown()
    server.server_close()


def test_no_credentials(bucket: str, elsewhere: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    import os

    elsewhere(os.environ["AWS_ENDPOINT_URL"])
    with pytest.raises(WritingError, match="credentials"):
        write_text(f"{bucket}/x", "text")
    elsewhere("http://127.0.0.1:9")  # a client remembers that it found none


def test_a_connection_lost_while_writing_is_tried_again(proxy: Any, bucket: str) -> None:
    content = bytes(300_000)
    proxy.cut(1, after=100_000, only=b"PUT", upwards=True)
    write_bytes(f"{bucket}/x", content)
    assert proxy.made == 1
    assert place(f"{bucket}/x").read_bytes() == content


def test_a_connection_lost_for_good_leaves_the_old_file_and_a_repeat_succeeds(proxy: Any, bucket: str) -> None:
    write_bytes(f"{bucket}/x", b"old")
    proxy.cut(1000, after=100_000, only=b"PUT", upwards=True)
    with pytest.raises(WritingError, match=rf"{bucket}/x.*connection was lost"):
        write_bytes(f"{bucket}/x", bytes(300_000))
    proxy.cut(0, after=0)
    assert place(f"{bucket}/x").read_bytes() == b"old"
    assert [one.name for one in place(bucket).iterdir()] == ["x"]
    write_bytes(f"{bucket}/x", bytes(300_000))
    assert place(f"{bucket}/x").size() == 300_000


def test_a_connection_lost_while_reading_is_tried_again(proxy: Any, bucket: str) -> None:
    content = bytes(range(256)) * 2000
    write_bytes(f"{bucket}/x", content)
    proxy.cut(1, after=100_000, only=b"GET")
    assert place(f"{bucket}/x").read_bytes() == content
    assert proxy.made == 1


def test_a_claim_whose_answer_was_lost_is_ours(proxy: Any, bucket: str) -> None:
    proxy.cut(1, after=0, only=b"PUT")
    assert write_new(f"{bucket}/claim", "holder 1")
    assert proxy.made == 1
    assert not write_new(f"{bucket}/claim", "holder 2")
