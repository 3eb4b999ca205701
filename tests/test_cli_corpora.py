"""The commands that make corpora of others: extract with its options, data join, data split."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from crossspace.cli.main import main
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.rules import VALIDATION_FRACTION, validation_ids
from crossspace.data.task import TaskSpec
from crossspace.features.extractors.base import Missing, TextExtractor

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


@pytest.fixture
def corpus_file(tmp_path: Path) -> Path:
    """Twenty conversations of two utterances in train, five in test."""
    parts: dict[str, list[Conversation]] = {"train": [], "test": []}
    for i in range(25):
        members = [
            Utterance(
                f"{i}_{k}",
                f"S{i % 5}",
                label=("a", "b")[(i + k) % 3 == 0],
                features={"text": np.full(2, i, np.float32)},
            )
            for k in range(2)
        ]
        parts["test" if i >= 20 else "train"].append(Conversation(f"{'xyz'[i % 3]}{i:02d}", tuple(members)))
    Corpus(parts, TaskSpec(("a", "b"), {"text": 2}), name="small").write(tmp_path / "c.parquet")
    return tmp_path / "c.parquet"


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    names = [f"{i}_{k}" for i in range(24) for k in range(2)] + ["stranger"]
    np.savez(
        tmp_path / "b.npz",
        utt=np.array(names),
        conversation=np.array([name[:-2] for name in names]),
        train=np.array(["train"] * len(names)),
        sound=np.ones((len(names), 3)),
    )
    return tmp_path / "b.npz"


def test_join_adds_features_and_tells_what_did_not_fit(
    run: Run, corpus_file: Path, arrays: Path, tmp_path: Path
) -> None:
    made = '{"audio": {"name": "mine", "version": "1"}}'
    words = ("--on", "utterance_id=utt", "--features", "audio=sound", "--extractors", made)
    code, out, _ = run("data", "join", corpus_file, arrays, tmp_path / "t.parquet", *words)
    assert code == 0
    assert "audio: 48 of 50 utterances have a row" in out
    assert "2 utterances have no row; the modalities are missing there: 24_0, 24_1" in out
    assert "1 rows belong to no utterance and are left out: stranger" in out
    assert "not stated" not in out
    joined = Corpus.read(tmp_path / "t.parquet")
    assert joined.coverage("all") == {"text": 50, "audio": 48} and joined.extractors["audio"]["name"] == "mine"


def test_join_writes_over_what_it_reads_only_when_asked(run: Run, corpus_file: Path, arrays: Path) -> None:
    words = (
        "data",
        "join",
        corpus_file,
        arrays,
        "--out",
        corpus_file,
        "--on",
        "utterance_id=utt",
        "--features",
        "audio=sound",
    )
    before = corpus_file.read_bytes()
    code, _, err = run(*words)
    assert code == 2 and "would be lost" in err and corpus_file.read_bytes() == before
    assert run(*words, "--overwrite")[0] == 0
    assert Corpus.read(corpus_file).spec.modalities == ("text", "audio")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Found none"),
        (["t.parquet", "--out", "u.parquet"], "Found two"),
        (["t.csv"], "ending in .parquet"),
        (["t.parquet", "--features", "a=b,a=c"], "each name once"),
        (["t.parquet", "--extractors", "{"], "expected JSON"),
    ],
)
def test_join_names_what_is_wrong_with_its_options(
    run: Run, corpus_file: Path, arrays: Path, words: list[str], told: str
) -> None:
    code, _, err = run("data", "join", corpus_file, arrays, *words)
    assert code == 2 and told in err


def test_split_cuts_anew_and_show_tells_how(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "t.parquet"
    code, out, _ = run("data", "split", corpus_file, target, "--cut", "stratified", "--fraction", 0.2, "--seed", 3)
    told = "rule stratified, fraction 0.2, seed 3"
    assert code == 0 and f"splits were cut here: {told}" in out
    shown = run("data", "show", target)[1]
    assert told in shown and "total variation distance of the label shares" in shown
    assert "only 4 conversations" in shown and "crossspace tune" in shown
    numbers = json.loads(run("data", "show", target, "--json")[1])
    assert numbers["cut"] == {"rule": "stratified", "fraction": 0.2, "seed": 3}
    assert 0 <= numbers["validation"]["difference"]["distance"] < 0.2
    assert "cut anew together with train" not in out


def test_split_says_so_when_it_takes_a_validation_split_of_the_source(
    run: Run, corpus_file: Path, tmp_path: Path
) -> None:
    corpus = Corpus.read(corpus_file)
    corpus.with_splits({"x00": "validation"}).write(corpus_file)
    code, out, _ = run("data", "split", corpus_file, tmp_path / "t.parquet")
    assert code == 0 and "the validation split of the source (1 conversations) is cut anew together with train" in out
    found = Corpus.read(tmp_path / "t.parquet")
    assert set(found.conversation_ids("validation")) == validation_ids(corpus.conversation_ids("train"))
    assert found.cut == {"rule": "hash", "fraction": VALIDATION_FRACTION, "seed": 0}


def test_split_of_groups_keeps_them_whole(run: Run, corpus_file: Path, tmp_path: Path) -> None:
    code, _, err = run("data", "split", corpus_file, tmp_path / "t.parquet", "--cut", "group:.")
    assert code == 2 and "--test-fraction" in err
    assert run("data", "split", corpus_file, tmp_path / "t.parquet", "--cut", "group:.", "--test-fraction", 0.3)[0] == 0
    found = Corpus.read(tmp_path / "t.parquet")
    assert sorted(sorted({n[0] for n in found.conversation_ids(s)}) for s in found.splits) == [["x"], ["y"], ["z"]]
    code, _, err = run("data", "split", corpus_file, corpus_file)
    assert code == 2 and "would be lost" in err


def test_import_takes_the_rule_of_the_cut(run: Run, arrays: Path, tmp_path: Path) -> None:
    columns = "conversation_id=conversation,utterance_id=utt"
    words = ("data", "import", arrays, tmp_path / "t.parquet", "--format", "arrays", "--features", "audio=sound")
    code, out, _ = run(*words, "--columns", f"{columns},split=train", "--seed", 2, "--validation-cut", "stratified")
    assert code == 0 and "rule stratified, fraction 0.1, seed 2" in out
    code, _, err = run(*words, "--columns", columns, "--validation-cut", "stratified")
    assert code == 2 and "nothing is cut here" in err


TABLE = "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\n" + "".join(
    f"It is  {word}.,{who},{label},{talk},{count}\n"
    for talk in range(10)
    for count, (word, who, label) in enumerate((("so", "Ann", "joy"), ("no", "Ben", "oth"), ("go", "Cy", "")))
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "train_all.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


class Lengths(TextExtractor):
    """The number of letters."""

    name, licence, width, version = "lengths", "none", 1, "1"
    parameters: ClassVar[dict] = {}

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        return [np.array([len(text)], np.float32) for text in items]


def test_extract_takes_the_options_of_import_and_says_what_it_cut(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossspace.features.extraction.plan.build", lambda modality, name: Lengths())
    target = tmp_path / "t.parquet"
    words = [
        "--jobs",
        1,
        "--labels",
        "joy",
        "--unlabelled",
        "oth,xxx",
        "--speakers",
        "Ben,Ann",
        "--validation-fraction",
        0.3,
    ]
    words += ["--seed", 5, "--validation-cut", "stratified", "--provenance", "by hand", "--cache", tmp_path / "cache"]
    code, out, err = run("extract", table, target, *words, "--quiet")
    assert code == 0, err
    for told in (
        "splits were cut here: rule stratified, fraction 0.3, seed 5",
        "1 speakers are none of --speakers and share one index, such as 'Cy'",
        "10 utterances labelled 'oth' are kept as context, without a label",
    ):
        assert told in out
    corpus = Corpus.read(target)
    assert corpus.spec.speakers == ("Ben", "Ann") and corpus.source == "by hand"
    assert len(corpus.conversation_ids("validation")) == 3
    first = corpus.utterances("all").slice(0, 3).to_pylist()
    assert [row["utterance_id"] for row in first] == ["0_0", "0_1", "0_2"]
    assert [row["text"] for row in first] == ["It is  so.", "It is  no.", "It is  go."]
    assert [row["label"] for row in first] == ["joy", None, None]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--labels", "joy"], 1, "train_all.csv, row 3"),
        (["--validation-fraction", "1"], 2, "below 1"),
        (["--labels", "joy", "--unlabelled", "joy"], 2, "under both"),
    ],
)
def test_extract_refuses_before_it_begins(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: str
) -> None:
    monkeypatch.setattr(
        "crossspace.features.extraction.corpus.extract", lambda *args, **options: pytest.fail("it began")
    )
    found, _, err = run("extract", table, tmp_path / "t.parquet", "--text", "minilm", "--quiet", *words)
    assert found == code and told in err


def test_extract_refuses_a_rule_where_the_source_brings_validation(run: Run, table: Path, tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    for name in ("train", "dev"):
        (tmp_path / "tables" / f"{name}.csv").write_text(TABLE, encoding="utf-8")
    words = ("extract", tmp_path / "tables", tmp_path / "t.parquet", "--validation-cut", "stratified")
    code, _, err = run(*words)
    assert code == 2 and "SOURCE brings one" in err


def test_shards_are_merged_into_the_corpus_that_one_process_writes(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossspace.features.extraction.plan.build", lambda modality, name: Lengths())
    monkeypatch.setattr("crossspace.features.extraction.plan._ROWS", 7)
    words = ("--unlabelled", "oth", "--quiet", "--cache", tmp_path / "cache", "--jobs", 1)
    assert run("extract", table, tmp_path / "one.parquet", *words)[0] == 0
    target = tmp_path / "two.parquet"
    for shard in ("3/3", "1/3"):
        code, out, err = run("extract", table, target, *words, "--shard", shard)
        assert code == 0 and f"crossspace merge {target}" in out, err
    code, _, err = run("merge", target)
    assert code == 1 and "Not ended: 2/3" in err and not target.exists()
    code, _, err = run("extract", table, target, *words, "--shard", "2/3", "--seed", 1)
    assert code == 2 and "seed: 0 in the folder, 1 now" in err
    assert run("extract", table, target, *words, "--shard", "2/3")[0] == 0
    code, out, err = run("merge", target)
    assert code == 0 and "labelled 'oth' are kept as context" in out, err
    assert (tmp_path / "one.parquet").read_bytes() == target.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "one.parquet", "train_all.csv", "two.parquet"]


def test_a_source_that_shrinks_between_two_shards_is_refused_and_loses_no_conversation(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossspace.features.extraction.plan.build", lambda modality, name: Lengths())
    monkeypatch.setattr("crossspace.features.extraction.plan._ROWS", 15)
    words = ("extract", table, tmp_path / "c.parquet", "--quiet", "--cache", tmp_path / "cache", "--jobs", 1)
    assert run(*words, "--shard", "1/2")[0] == 0
    # Shorter, the first conversations make room in the first part for one of the second.
    table.write_text("".join(line for line in TABLE.splitlines(True) if not line.endswith(("0,2\n", "1,2\n", "2,2\n"))))
    code, _, err = run(*words, "--shard", "2/2")
    assert code == 2 and "the same source and settings" in err


def test_a_failed_recording_of_a_shard_is_told_again_by_the_merge_and_can_be_mended(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crossspace.features.extraction.plan.build", lambda modality, name: Lengths())
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("ANN: hello\nBEN: you\n")
    (tmp_path / "b.txt").write_bytes(b"\x00\x01\x02" * 40)
    (tmp_path / "m.csv").write_text("media,transcript\n,a.txt\n,b.txt\n")
    words = ("extract", tmp_path / "m.csv", tmp_path / "c.parquet", "--quiet", "--cache", tmp_path / "cache")
    code, _, err = run(*words, "--shard", "1/1", "--jobs", 1)
    assert code == 1 and "b.txt" in err
    code, _, err = run("merge", tmp_path / "c.parquet")
    assert code == 1 and "b.txt" in err and Corpus.read(tmp_path / "c.parquet").conversation_ids("all") == ["a"]
    (tmp_path / "b.txt").write_text("ANN: mended\n")
    assert run(*words, "--shard", "1/1", "--jobs", 1)[0] == 0
    assert run("merge", tmp_path / "c.parquet")[0] == 0
    assert Corpus.read(tmp_path / "c.parquet").conversation_ids("all") == ["a", "b"]
