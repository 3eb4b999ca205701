"""Whether a folder stands on a network file system."""

from __future__ import annotations

import re
from pathlib import Path

_MOUNTS = Path("/proc/mounts")
_NETWORK = re.compile(
    r"(nfs\d*|cifs|smb\d*|smbfs|lustre|gpfs|beegfs|ceph|glusterfs|afs|9p|ocfs2|gfs2|pvfs2|orangefs|fuse\..+)"
)


def network_type(folder: str | Path) -> str | None:
    """The type of the network file system that a folder, or its nearest parent, is on; None on a disk, or unknown."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        return None
    place, found = Path(folder).resolve(), ("", "")
    for line in lines:
        _, point, kind, *_ = [*line.split(" "), "", ""]
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), point)  # a space is written \040
        # Of two at the same place the later one lies on top.
        if place.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1] if _NETWORK.fullmatch(found[1]) else None
