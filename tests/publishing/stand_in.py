"""A hub on loopback: as much of its protocol as the client asks for, in memory, with faults on request."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OWNER = "hf_of_the_owner"
"""The only token that may write, and read what is private."""


class Repository:
    """Commits by their id, each a tree of files; branches and tags are names of commits."""

    def __init__(self, private: bool) -> None:
        self.private = private
        self.commits: dict[str, dict[str, bytes]] = {}
        self.names: dict[str, str] = {}
        self.commit({}, "main")

    def commit(self, files: dict[str, bytes], branch: str) -> str:
        tree = {**self.commits.get(self.names.get(branch, ""), {}), **files}
        told = [branch, len(self.commits), sorted((k, hashlib.sha1(v).hexdigest()) for k, v in tree.items())]
        name = hashlib.sha1(json.dumps(told).encode()).hexdigest()
        self.commits[name], self.names[branch] = tree, name
        return name

    def at(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.names.get(revision)


class Hub(ThreadingHTTPServer):
    """The server.

    Attributes:
        repositories: by ``owner/name``.
        large: files of at least so many bytes travel by the way of large files.
        cut: files of which half is sent before the connection ends.
        asked: method and path of all requests.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.large = 1 << 60
        self.blobs: dict[str, bytes] = {}
        self.cut: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self, body: bool = True) -> None:
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            given = self._chunks()
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path))
        self.body = body
        for pattern, answer in _WAYS:
            found = re.fullmatch(pattern, path)
            if found:
                return answer(self, given, **found.groupdict())
        self._say(404, {"error": f"no such way: {path}"})

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _say(self, status: int, value: Any = None, code: str | None = None, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        if code is not None:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", str(value.get("error")))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        if self.body:
            self.wfile.write(content)

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {OWNER}"

    def _repository(self, name: str, write: bool = False) -> Repository | None:
        """The repository, unless an answer was given instead."""
        found = self.server.repositories.get(name)
        if (write or (found is not None and found.private)) and not self._known():
            # As the hub does: whether there is such a repository is nobody's business.
            self._say(401, {"error": "Invalid username or password."}, None if write else "RepoNotFound")
            return None
        if found is None:
            self._say(404, {"error": "Repository not found"}, "RepoNotFound")
        return found

    def create(self, given: bytes) -> None:
        if not self._known():
            return self._say(401, {"error": "Invalid username or password."})
        wanted = json.loads(given)
        name = f"{wanted['organization']}/{wanted['name']}" if wanted.get("organization") else wanted["name"]
        url = f"{self.server.address}/{name}"
        if name in self.server.repositories:
            return self._say(409, {"error": "You already created this model repo", "url": url})
        self.server.repositories[name] = Repository(wanted.get("private") or wanted.get("visibility") == "private")
        self._say(200, {"url": url, "name": name, "id": name})

    def preupload(self, given: bytes, name: str, revision: str) -> None:
        if self._repository(name, write=True) is None:
            return
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["size"] >= self.server.large else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(given)["files"]
        ]
        self._say(200, {"files": files})

    def lfs_batch(self, given: bytes, name: str) -> None:
        if self._repository(name, write=True) is None:
            return
        objects = [
            {**o, "actions": {"upload": {"href": f"{self.server.address}/lfs/{o['oid']}", "header": {}}}}
            for o in json.loads(given)["objects"]
        ]
        self._say(200, {"transfer": "basic", "objects": objects})

    def lfs_put(self, given: bytes, oid: str) -> None:
        if hashlib.sha256(given).hexdigest() != oid:
            return self._say(400, {"error": "other content"})
        self.server.blobs[oid] = given
        self._say(200, {})

    def commit(self, given: bytes, name: str, revision: str) -> None:
        repository = self._repository(name, write=True)
        if repository is None:
            return
        if repository.at(revision) is None:
            return self._say(404, {"error": f"Invalid rev id: {revision}"}, "RevisionNotFound")
        files = {}
        for line in map(json.loads, given.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.blobs[value["oid"]]
        made = repository.commit(files, revision)
        url = f"{self.server.address}/{name}/commit/{made}"
        self._say(200, {"success": True, "commitOid": made, "commitUrl": url, "hookOutput": ""})

    def info(self, given: bytes, name: str, revision: str = "main") -> None:
        repository = self._repository(name)
        if repository is None:
            return
        commit = repository.at(revision)
        if commit is None:
            return self._say(404, {"error": f"Invalid rev id: {revision}"}, "RevisionNotFound")
        files = [{"rfilename": file} for file in repository.commits[commit]]
        self._say(200, {"id": name, "sha": commit, "private": repository.private, "siblings": files, "tags": []})

    def resolve(self, given: bytes, name: str, revision: str, file: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return
        commit = repository.at(revision)
        if commit is None:
            return self._say(404, {"error": f"Invalid rev id: {revision}"}, "RevisionNotFound")
        content = repository.commits[commit].get(file)
        if content is None:
            return self._say(404, {"error": "Entry not found"}, "EntryNotFound", X_Repo_Commit=commit)
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X_Repo_Commit": commit}
        if self.body and file in self.server.cut:
            self.send_response(200)
            for key, value in {**headers, "Content_Length": str(len(content))}.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return None
        self._say(200, content, **headers)

    def validate(self, given: bytes) -> None:
        self._say(200, {"errors": [], "warnings": []})


_NAME = r"(?P<name>[^/]+/[^/]+)"
_WAYS = (
    (r"/api/repos/create", _Handler.create),
    (r"/api/validate-yaml", _Handler.validate),
    (rf"/api/models/{_NAME}/preupload/(?P<revision>[^/]+)", _Handler.preupload),
    (rf"/api/models/{_NAME}/commit/(?P<revision>[^/]+)", _Handler.commit),
    (rf"/api/models/{_NAME}/revision/(?P<revision>[^/]+)", _Handler.info),
    (rf"/api/models/{_NAME}", _Handler.info),
    (rf"/{_NAME}\.git/info/lfs/objects/batch", _Handler.lfs_batch),
    (r"/lfs/(?P<oid>[0-9a-f]{64})", _Handler.lfs_put),
    (rf"/{_NAME}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
)
