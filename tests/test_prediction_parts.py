from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from safetensors.torch import load_file, save_file

from crossspace import Corpus, Predictor
from crossspace.cli.main import main
from crossspace.engine.parts import PartsFolder
from crossspace.engine.progress import PartsProgress
from crossspace.engine.shard import Shard
from crossspace.errors import CrossspaceError, DataError, UsageError
from crossspace.prediction_parts import merge_predictions, predict_parts, predict_to


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few conversations each."""
    monkeypatch.setattr("crossspace.prediction_parts.ROWS", 12)


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_pretrained(finished_run)


@pytest.fixture
def source(tiny_corpus: Corpus, tmp_path: Path) -> Path:
    tiny_corpus.write(tmp_path / "corpus.parquet")
    return tmp_path / "corpus.parquet"


@pytest.fixture
def given(predictor: Predictor, source: Path):
    corpus = Corpus.read(source)

    def arguments(target: Path, split: str = "all") -> tuple:
        return predictor, corpus, source, split, target

    return arguments


def test_a_table_in_parts_is_the_table_of_the_whole(given, predictor: Predictor, tmp_path: Path) -> None:
    seen: list[PartsProgress] = []
    corpus = given(tmp_path)[1]
    for split in ("all", "test"):
        rows = predict_to(*given(tmp_path / "t.parquet", split), progress=seen.append)
        whole, table = predictor.predict_corpus(corpus, split), pq.read_table(tmp_path / "t.parquet")
        assert rows == len(whole) and table.schema.equals(whole.schema)
        for name in table.column_names:
            if name != "confidence" and not name.startswith("p_"):
                assert table[name].to_pylist() == whole[name].to_pylist()
            else:  # other batches, other last digits
                assert table[name].to_pylist() == pytest.approx(whole[name].to_pylist(), abs=1e-5)
    assert seen[-1].done == seen[-1].total == len(corpus.conversation_ids("test")) and len(seen) > 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus.parquet", "t.parquet"]


def test_shards_processes_and_what_was_interrupted_give_the_same_bytes(given, tmp_path: Path) -> None:
    predict_to(*given(tmp_path / "one.parquet"))
    predict_to(*given(tmp_path / "jobs.parquet"), jobs=2)
    target = tmp_path / "shards.parquet"
    for number in (2, 3):
        predict_parts(*given(target), shard=Shard(number, 3))
    with pytest.raises(DataError, match="Not ended: 1/3"):
        merge_predictions(target)
    # Somebody was killed while it wrote a part: half of it is no part.
    half = next((target.parent / "shards.parquet.parts" / "parts").iterdir())
    half.write_bytes(half.read_bytes()[:100])
    for number in (1, 2, 3):
        predict_parts(*given(target), shard=Shard(number, 3))
    merge_predictions(target)
    contents = {(tmp_path / f"{name}.parquet").read_bytes() for name in ("one", "jobs", "shards")}
    assert len(contents) == 1


def test_what_exists_is_not_predicted_again_unless_model_split_or_corpus_are_others(
    given, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    predicted = []
    real = Predictor.predict_conversations
    monkeypatch.setattr(Predictor, "predict_conversations", lambda *words: predicted.append(words[2]) or real(*words))
    first = predict_parts(*given(tmp_path / "t.parquet"))
    assert len(predicted) == len(first)
    assert predict_parts(*given(tmp_path / "t.parquet")) == first and len(predicted) == len(first)
    other = predict_parts(*given(tmp_path / "t.parquet", "test"))
    assert not {o.parts[0] for o in other.values()} & {o.parts[0] for o in first.values()}
    predict_parts(*given(tmp_path / "u.parquet"), shard=Shard(1, 2))
    with pytest.raises(UsageError, match="split: 'all' in the folder, 'test' now"):
        predict_parts(*given(tmp_path / "u.parquet", "test"), shard=Shard(2, 2))


def test_a_model_that_gives_no_numbers_leaves_no_table(
    finished_run: Path, source: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(finished_run / "seed-0", tmp_path / "model")
    weights = load_file(tmp_path / "model" / "model.safetensors")
    save_file({name: tensor * 1e30 for name, tensor in weights.items()}, tmp_path / "model/model.safetensors")
    (tmp_path / "model" / "SHA256SUMS").unlink(missing_ok=True)
    words = ["predict", str(tmp_path / "model"), str(source), "--out", str(tmp_path / "t.csv")]
    assert main(words) == 1
    err = capsys.readouterr().err
    assert "could not be predicted" in err and "finite" in err and "Traceback" not in err
    assert not (tmp_path / "t.csv").exists()


def test_commands_share_and_merge(
    finished_run: Path, source: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["predict", str(finished_run), str(source), "--out"]
    assert main([*words, str(tmp_path / "one.csv")]) == 0
    for shard in ("1/2", "2/2"):
        assert main([*words, str(tmp_path / "two.csv"), "--shard", shard]) == 0
    assert f"crossspace merge {tmp_path / 'two.csv'}" in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "two.csv")]) == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert not PartsFolder(tmp_path / "two.csv").path.exists()
    assert main(["merge", str(tmp_path / "two.csv")]) == 1
    assert "Found nothing" in capsys.readouterr().err
    assert main([*words[:-1], "--shard", "1/2"]) == 2


def test_a_part_in_the_place_of_another_is_named_and_made_anew(given, tmp_path: Path) -> None:
    predict_to(*given(tmp_path / "one.parquet"))
    target = tmp_path / "t.parquet"
    predict_parts(*given(target), shard=Shard(1, 1))
    first, second = sorted((tmp_path / "t.parquet.parts" / "parts").iterdir())[:2]
    for content in (second.read_bytes(), (tmp_path / "corpus.parquet").read_bytes(), b"", first.read_bytes()[:-1]):
        first.write_bytes(content)
        with pytest.raises(DataError, match=f"{first.name}.*made anew"):
            merge_predictions(target)
    first.unlink()
    with pytest.raises(DataError, match=f"{first.name}.*Found nothing.*made anew"):
        merge_predictions(target)
    predict_parts(*given(target), shard=Shard(1, 1))
    merge_predictions(target)
    assert target.read_bytes() == (tmp_path / "one.parquet").read_bytes()


def test_a_worker_refuses_another_model_or_corpus_of_the_same_name(
    given, tiny_corpus: Corpus, source: Path, tmp_path: Path
) -> None:
    arguments = given(tmp_path / "t.csv")
    tiny_corpus.with_splits(dict.fromkeys(tiny_corpus.conversation_ids("all"), "train")).write(source)
    with pytest.raises(CrossspaceError, match="same corpus"):
        predict_to(*arguments)


def test_a_split_without_conversations_is_named(given, tiny_corpus: Corpus, source: Path, tmp_path: Path) -> None:
    predictor, _, path, _, target = given(tmp_path / "t.csv")
    alone = tiny_corpus.with_splits(dict.fromkeys(tiny_corpus.conversation_ids("all"), "train"))
    with pytest.raises(DataError, match="should have the split test"):
        predict_to(predictor, alone, path, "test", target)
