from __future__ import annotations

import gzip
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.data.foreign.signs import sign_of
from crossspace.data.importers.arrays import Arrays
from crossspace.data.importers.mmsa import Mmsa
from crossspace.data.importers.sdt import Sdt
from crossspace.errors import DataError


def _write(folder: Path, kind: str) -> Path:
    path = folder / "features.bin"
    plain = {
        "hdf5": b"\x89HDF\r\n\x1a\n" + b"\0" * 60,
        "gzip": gzip.compress(b"text"),
        "table": b"dialogue,turn\nd0,1\n",
        "html": b"<!DOCTYPE html><html><title>Virus scan warning</title></html>",
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "json": b'{"a": 1}',
        "empty": b"",
        "safetensors": struct.pack("<Q", 2) + b'{"a":1}',
        "matlab": b"MATLAB 5.0 MAT-file, made here",
        "broken": b"PK\x03\x04 and no end",
    }
    if kind in plain:
        path.write_bytes(plain[kind])
    elif kind == "torch":
        torch.save({"a": torch.zeros(2)}, path)
    elif kind == "npz":
        np.savez(path.open("wb"), a=np.zeros(2))
    elif kind == "npy":
        np.save(path.open("wb"), np.zeros(2))
    elif kind == "tar":
        with tarfile.open(path, "w") as archive:
            archive.add(__file__, "x")
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "a")
    return path


KINDS = (
    "hdf5 gzip table html lfs json empty safetensors matlab broken torch npz npy tar zip".split()  # noqa: SIM905
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_is_called_what_it_is_with_what_to_do_next(tmp_path: Path, kind: str) -> None:
    path = _write(tmp_path, kind)
    sign = sign_of(path)
    assert sign is not None
    assert sign.kind == kind
    for importer in (Sdt(), Mmsa()):
        with pytest.raises(DataError) as caught:
            importer.read(path)
        assert f"Found {sign.what}. {sign.advice}" in str(caught.value)
        assert "damage" not in str(caught.value).replace("missing or damaged", "")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [({"a": ["x"]}, 1), {"a": 1}, ["a", 1.5], [(1, 2)], {"a,b": [1, "c,d"]}])
def test_a_pickle_of_any_protocol_is_never_taken_for_something_else(
    tmp_path: Path, protocol: int, value: object
) -> None:
    (tmp_path / "x").write_bytes(pickle.dumps(value, protocol))
    sign = sign_of(tmp_path / "x")
    assert sign is None or sign.kind == "pickle"


def test_a_pickle_given_to_arrays_is_sent_to_its_own_format(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(pickle.dumps((1, 2), 4))
    with pytest.raises(DataError, match=r"Found a pickle. Import it with --format sdt"):
        Arrays(columns={"conversation_id": "a"}, features={"text": "b"}).read(tmp_path / "x.npz")
