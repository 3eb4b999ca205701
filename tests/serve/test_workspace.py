from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossspace.serve.workspace import Workspace

KILLED = """
import os, sys
from pathlib import Path
from crossspace.serve.workspace import Workspace
(Workspace(Path(sys.argv[1])).folder() / "media").write_bytes(b"x")
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_server_left_is_removed_by_the_next(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    left = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(left) == 1
    workspace = Workspace(tmp_path)
    assert not left[0].exists() and workspace.path.is_dir()
    workspace.close()
    assert list(tmp_path.iterdir()) == []


def test_servers_that_are_alive_keep_their_folders(tmp_path):
    first = Workspace(tmp_path)
    kept = first.folder()
    second = Workspace(tmp_path)
    assert kept.is_dir() and first.path != second.path
    first.close()
    assert not kept.exists() and second.path.is_dir()
    second.close()


@pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")
def test_folders_are_private_and_links_are_left_alone(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    Path(tmp_path / "crossspace-serve-0000.lock").symlink_to(precious)
    workspace = Workspace(tmp_path)
    assert precious.read_text() == "mine"
    assert workspace.path.stat().st_mode & 0o077 == 0 == workspace.folder().stat().st_mode & 0o077
    workspace.close()
