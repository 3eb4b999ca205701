"""What is made in parts, with everything on a store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from crossspace import Corpus
from crossspace.cli.main import main
from crossspace.engine import watch
from crossspace.engine.claim import ClaimedError, claimed, is_claimed
from crossspace.engine.owner import claim_path, this_process
from crossspace.engine.progress import PartsProgress
from crossspace.errors import CrossspaceError
from crossspace.features.extraction.corpus import extract
from crossspace.features.extractors.base import Missing, TextExtractor
from crossspace.features.sources import Recording
from crossspace.runtime import write_new
from crossspace.stores import place
from crossspace.transcripts import Cue, Transcript


class Letters(TextExtractor):
    """The number of letters."""

    name, licence, width, version = "letters", "none", 1, "1"
    parameters: ClassVar[dict] = {}

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        return [np.array([len(text)], np.float32) for text in items]


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    monkeypatch.setattr("crossspace.features.extraction.plan.build", lambda modality, name: Letters())
    monkeypatch.setattr("crossspace.features.extraction.plan._ROWS", 6)
    said = [tuple(Cue(f"{'x' * n} {i}", f"S{i % 2}", label="joy") for i in range(3)) for n in range(6)]
    return [Recording(f"talk{n}", Transcript(cues)) for n, cues in enumerate(said)]


def test_a_corpus_extracted_to_a_store_is_the_one_of_this_machine(
    recordings: list[Recording], bucket: str, tmp_path: Path
) -> None:
    wanted = {"text": "letters"}
    extract(recordings, wanted, tmp_path / "c.parquet", cache=tmp_path)
    result = extract(recordings, wanted, f"{bucket}/here/c.parquet", cache=tmp_path)
    assert place(f"{bucket}/here/c.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()
    assert result.corpus.conversation_ids("all") == [f"talk{n}" for n in range(6)]
    assert [inner.name for inner in place(f"{bucket}/here").below()] == ["c.parquet"]


def test_predictions_of_a_corpus_on_a_store_go_there_in_shards(
    finished_run: Path, tiny_corpus: Corpus, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossspace.prediction_parts.ROWS", 12)
    tiny_corpus.write(tmp_path / "c.parquet")
    tiny_corpus.write(f"{bucket}/c.parquet")
    model = str(finished_run)
    assert main(["predict", model, str(tmp_path / "c.parquet"), "--out", str(tmp_path / "p.parquet")]) == 0
    for shard in ("1/2", "2/2"):
        words = ["predict", model, f"{bucket}/c.parquet", "--out", f"{bucket}/p.parquet", "--shard", shard]
        assert main(words) == 0
    assert main(["merge", f"{bucket}/p.parquet"]) == 0
    assert place(f"{bucket}/p.parquet").read_bytes() == (tmp_path / "p.parquet").read_bytes()
    assert sorted(inner.name for inner in place(bucket).below()) == ["c.parquet", "p.parquet"]


@pytest.fixture(params=["memory", "s3"])
def folder(request: pytest.FixtureRequest) -> str:
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/folder"
    return f"memory://claims/{request.node.name}"


def left_behind(folder: str, **changes: object) -> None:
    """The claim of a process that has not ended its block."""
    write_new(claim_path(place(folder), 1), replace(this_process(1), **changes).text())


def test_a_folder_on_a_store_is_held_by_one_process(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossspace.engine.beating.BEAT", 0.02)
    with claimed(folder) as claim:
        assert is_claimed(folder) and not claim.is_lost
        with pytest.raises(ClaimedError, match="in use"), pytest.warns(match="Watching"), claimed(folder):
            pass
    assert not is_claimed(folder) and not place(folder).exists()


def test_what_a_dead_process_left_on_a_store_is_taken_over(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    left_behind(folder, process=process)
    with claimed(folder) as claim:
        assert claim.owner.generation == 2
    assert not is_claimed(folder)
    # Of another machine only is seen that it gives no sign of life any more.
    left_behind(folder, boot="another machine")
    monkeypatch.setattr(watch, "PATIENCE", 0.0)
    assert is_claimed(folder)
    with pytest.warns(match="Watching"), claimed(folder) as claim:
        assert claim.owner.generation == 2


def test_a_connection_that_is_lost_half_way_leaves_nothing_half_written(
    recordings: list[Recording], bucket: str, proxy: Any, tmp_path: Path
) -> None:
    target, wanted = f"{bucket}/c.parquet", {"text": "letters"}
    extract(recordings, wanted, tmp_path / "c.parquet", cache=tmp_path)
    lost: list[bool] = []

    def lose(progress: PartsProgress) -> None:
        if progress.done and not lost:  # after the first part
            lost.append(True)
            proxy.cut(10_000, after=100, only=b"PUT", upwards=True)

    with pytest.raises(CrossspaceError, match=r"c\.parquet"):
        extract(recordings, wanted, target, cache=tmp_path, progress=lose)
    proxy.cut(0, after=0)
    stand = [inner.name for inner in place(bucket).below()]
    assert "c.parquet" not in stand and len([name for name in stand if name.endswith(".parquet")]) == 1
    place(f"{bucket}/.c.parquet.claim/.claim-000001").unlink(missing_ok=True)  # its own process would have ended
    extract(recordings, wanted, target, cache=tmp_path)
    assert place(target).read_bytes() == (tmp_path / "c.parquet").read_bytes()
    assert [inner.name for inner in place(bucket).below()] == ["c.parquet"]
