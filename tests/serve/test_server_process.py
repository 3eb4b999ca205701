from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from crossspace.cli.main import main
from crossspace.errors import UsageError
from crossspace.serve.connections import MOST, MOST_FRAMES, PATIENCE
from crossspace.serve.running import listen
from crossspace.serve.settings import Settings

HERE = Path(__file__).parent
HEAD = b'--x\r\nContent-Disposition: form-data; name="media"; filename="a"\r\n\r\n'

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")]


@contextmanager
def server(tmp_path, *options):
    """A server as a process, its address and the folder for its uploads."""
    command = [sys.executable, HERE / "server_process.py", HERE / "conftest.py", "--port", "0", *options]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            said = [process.stdout.readline(), process.stdout.readline()]
            assert said[1], process.stderr.read()
            yield process, said, int(said[1].split("  ")[0].rpartition(":")[2])
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """The port of a server that several tests ask, and the folder for its uploads."""
    folder = tmp_path_factory.mktemp("standing")
    with server(folder) as (_, _, port):
        yield port, folder


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """The same of a server that takes little and does not wait long."""
    folder = tmp_path_factory.mktemp("impatient")
    with server(folder, "--max-media", "100KB", "--stall", "0.5") as (_, _, port):
        yield port, folder


def begin_upload(port: int, declared: int, sent: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=90)
    head = (
        f"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {declared}\r\n\r\n"
    )
    line.sendall(head.encode() + sent)
    return line


def files(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]


def wait_until(condition) -> bool:
    deadline = time.monotonic() + 90
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


def test_a_server_says_what_answers_and_where_and_ends_by_ctrl_c(tmp_path):
    with server(tmp_path) as (process, said, port):
        assert "shipped with crossspace" in said[0] and "http://127.0.0.1:" in said[1]
        with urlopen(f"http://127.0.0.1:{port}/v1/health") as answer:
            assert json.load(answer)["status"] == "ok"
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
        assert "Traceback" not in process.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_an_upload_goes_when_its_client_or_its_server_does(tmp_path):
    with server(tmp_path) as (process, _, port):
        with begin_upload(port, 1_000_000, HEAD + b"\0" * 100):
            assert wait_until(lambda: files(tmp_path))
        assert wait_until(lambda: not files(tmp_path))
        with begin_upload(port, 1_000_000, HEAD + b"\0" * 100):
            assert wait_until(lambda: files(tmp_path))
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == -signal.SIGTERM
        assert "Traceback" not in process.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_reaches_a_client_that_is_still_sending(impatient):
    port, folder = impatient
    body = HEAD + b"\0" * 3_000_000 + b"\r\n--x--\r\n"
    with begin_upload(port, len(body), body) as line:
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")
    assert wait_until(lambda: not files(folder))


def test_an_upload_that_stalls_is_ended(impatient):
    port, folder = impatient
    with begin_upload(port, 1000, HEAD) as line:
        assert line.recv(100).startswith(b"HTTP/1.1 408 ")
        assert wait_until(lambda: not files(folder))


def test_requests_that_run_when_the_server_ends_are_told_so(tmp_path):
    with server(tmp_path) as (process, _, port):
        body = b'{"utterances": [{"text": "slow"}]}'
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with (
            socket.create_connection(("127.0.0.1", port), timeout=90) as line,
            begin_upload(port, 1000, HEAD) as upload,
        ):
            line.sendall(head.encode() + body)
            assert wait_until(lambda: files(tmp_path))
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            for one in (line, upload):
                assert one.recv(100).startswith(b"HTTP/1.1 503 ")
        assert process.wait(120) == -signal.SIGTERM
        assert "Traceback" not in process.stderr.read()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", [b"", b"GET /v1/health HTTP/1.1\r\nHost: local"])
def test_a_connection_on_which_no_request_comes_is_closed(impatient, sent):
    with socket.create_connection(("127.0.0.1", impatient[0]), 90) as line:
        line.sendall(sent)
        assert line.recv(100) == b""


def post(port: int, transcript: bytes) -> int:
    """The status of the answer to an upload."""
    body = HEAD.replace(b'"media"', b'"transcript"') + transcript + b"\r\n--x--\r\n"
    with begin_upload(port, len(body), body) as line:
        return int(line.recv(100).split()[1])


def is_healthy(port: int) -> bool:
    with urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=90) as answer:
        return answer.status == 200


def is_gone(group: int) -> bool:
    """Whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_look_that_never_ends_holds_up_nobody_and_ends_in_time(tmp_path):
    with server(tmp_path, "--timeout", "1") as (_, _, port):
        body = HEAD.replace(b'"media"', b'"transcript"') + b"STUCK\r\n--x--\r\n"
        with begin_upload(port, len(body), body) as line:
            assert is_healthy(port)
            assert line.recv(100).startswith(b"HTTP/1.1 504 ")
        assert wait_until(lambda: post(port, b"ANN: joy") == 200)
        assert wait_until(lambda: not files(tmp_path))


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_server_ends_though_its_worker_is_stuck(tmp_path, sign):
    with server(tmp_path) as (process, _, port):
        assert post(port, b"ANN: joy") == 200
        body = HEAD.replace(b'"media"', b'"transcript"') + b"STUCK\r\n--x--\r\n"
        with begin_upload(port, len(body), body) as line:
            assert wait_until(lambda: files(tmp_path)) and is_healthy(port)
            process.send_signal(sign)
            assert line.recv(100).startswith(b"HTTP/1.1 503 ")
            process.wait(120)
        assert wait_until(lambda: is_gone(process.pid))
        assert "Traceback" not in process.stderr.read()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_ends_when_its_server_is_killed(tmp_path):
    with server(tmp_path) as (process, _, port):
        assert post(port, b"ANN: joy") == 200
        process.kill()
        process.wait(120)
        assert wait_until(lambda: is_gone(process.pid))


def test_slow_uploads_give_way_to_others(tmp_path):
    with server(tmp_path, "--max-queue", "1") as (_, _, port):
        slow = [begin_upload(port, 1_000_000, HEAD) for _ in range(4)]
        assert wait_until(lambda: len(files(tmp_path)) == 4)
        assert wait_until(lambda: post(port, b"ANN: joy") == 200)
        for line in slow:
            line.close()


def test_half_heads_without_number_keep_nobody_out(standing):
    port, _ = standing
    with ExitStack() as opened:
        for _ in range(MOST + 20):
            line = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=90))
            line.sendall(b"GET /v1/health HTTP/1.1\r\nHost: local")
        assert is_healthy(port)


def test_who_asks_often_over_one_connection_goes_on(standing):
    line = http.client.HTTPConnection("127.0.0.1", standing[0], timeout=90)
    for _ in range(3 * PATIENCE // 80):
        line.request("GET", "/v1/health")
        answer = line.getresponse()
        assert answer.status == 200 and answer.read() and not answer.will_close
    line.close()


def test_chunks_of_one_byte_end_a_connection(standing):
    port, _ = standing
    with socket.create_connection(("127.0.0.1", port), timeout=90) as chunks:
        chunks.sendall(
            b"POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(HEAD), HEAD)
        )
        with pytest.raises(ConnectionError):
            chunks.sendall(b"1\r\na\r\n" * 10_000_000)
    assert is_healthy(port)


@pytest.mark.parametrize("frame", [b"\0\x80abcd", b"\x89\x80abcd", b"\x8a\x80abcd"], ids=["parts", "pings", "pongs"])
def test_frames_without_a_message_end_a_live_conversation(standing, frame):
    port, _ = standing
    with socket.create_connection(("127.0.0.1", port), timeout=90) as line:
        line.sendall(
            b"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert line.recv(1000).startswith(b"HTTP/1.1 101 ")
        line.sendall(b"\x01\x80abcd" + frame * (MOST_FRAMES + 1))
        received = b""
        while piece := line.recv(65536):
            received += piece
        assert b"frames without a message" in received and is_healthy(port)


def test_beyond_this_computer_without_token_there_is_a_warning(tmp_path):
    with server(tmp_path, "--host", "0.0.0.0") as (process, _, _):
        process.send_signal(signal.SIGINT)
        process.wait(120)
        assert "CROSSSPACE_TOKEN" in process.stderr.read()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--max-media", "much", "size"), ("--port", "99999", "port"), ("--hots", "x", "--host"), ("--token", "", "token")],
)
def test_options_that_cannot_be_are_named(capsys, option, value, words):
    assert main(["serve", option, value]) == 2
    assert words in capsys.readouterr().err


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="--port"):
        listen(Settings(port=taken.getsockname()[1]))
