from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import cut_validation
from crossspace.data.merge import Merging, merge_parts
from crossspace.data.part import Part, PartFacts, is_part, write_part
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError

WIDTHS = {"text": 3, "audio": 2}
MERGING = Merging(WIDTHS, {}, labels=("joy", "anger"), speakers=2)


def conversation(number: int, length: int, **changes: object) -> Conversation:
    """A conversation whose utterances lack now and then a label, a modality, or have what others have not."""
    draw = np.random.default_rng(number)
    utterances = []
    for i in range(length):
        features = {m: draw.normal(size=d).astype(np.float32) for m, d in WIDTHS.items() if draw.random() < 0.7}
        utterance = Utterance(
            f"c{number:03d}_{i}",
            "AB"[i % 2],
            f"text {draw.integers(9)}",
            float(i),
            i + 0.5,
            [None, "joy", "anger"][int(draw.integers(3))],
            features,
            {m: "silence" for m in WIDTHS if m not in features} if number % 3 == 0 else {},
            recognised={"text": 0.5} if number == 7 else {},
        )
        utterances.append(replace(utterance, **changes))
    return Conversation(f"c{number:03d}", tuple(utterances))


@pytest.fixture
def talks() -> list[tuple[str | None, Conversation]]:
    lengths = np.random.default_rng(1).integers(1, 90, size=40)
    lengths[5] = 700  # longer than a row group
    return [("train" if i < 30 else "test", conversation(i, int(n))) for i, n in enumerate(lengths)]


def write(folder: Path, talks: list[tuple[str | None, Conversation]], size: int, made_by: str = "me") -> list[Path]:
    paths = []
    for at in range(0, len(talks), size):
        paths.append(folder / f"{size}-{at:03d}.parquet")
        write_part(paths[-1], talks[at : at + size], WIDTHS, PartFacts(made_by))
    return paths


def in_memory(talks: list[tuple[str | None, Conversation]]) -> Corpus:
    splits: dict[str | None, list[Conversation]] = {}
    for split, talk in talks:
        splits.setdefault(split, []).append(talk)
    return Corpus(splits, TaskSpec(("joy", "anger"), WIDTHS, 2))


@pytest.mark.parametrize("rule", ["hash", "stratified", "group:c0."])
def test_merged_parts_are_the_corpus_that_is_built_in_memory_to_the_last_byte(
    talks: list[tuple[str | None, Conversation]], rule: str, tmp_path: Path
) -> None:
    if rule.startswith("group:"):
        rule = "group:c.."
    cut_validation(in_memory(talks), rule, fraction=0.2, seed=3).write(tmp_path / "memory.parquet")
    merging = replace(MERGING, validation_cut=rule, validation_fraction=0.2, seed=3)
    for size in (1, 7, 40):
        corpus, counts = merge_parts(write(tmp_path, talks, size), "me", tmp_path / "merged.parquet", merging)
        corpus.verify()
        assert set(counts) == {"joy", "anger"}
        assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "memory.parquet").read_bytes()


def test_without_labels_those_that_occur_are_taken_in_the_order_of_the_alphabet(tmp_path: Path) -> None:
    parts = write(tmp_path, [(None, conversation(i, 30)) for i in range(2)], 1)
    relabel = {"joy": "Happy", "anger": None}.get
    merging = replace(MERGING, labels=(), speakers=None, relabel=lambda label: relabel(label))
    corpus, counts = merge_parts(parts, "me", tmp_path / "c.parquet", merging)
    assert corpus.spec.labels == ("Happy",) and corpus.spec.speakers == 2
    assert (corpus.labels(None) == 0).sum() == counts["joy"]


def test_ids_that_are_counted_anew_in_every_conversation_carry_its_name(tmp_path: Path) -> None:
    counted = [(None, Conversation(f"{c}", tuple(Utterance(str(i), "A", features={}) for i in range(3)))) for c in "ab"]
    corpus, _ = merge_parts(write(tmp_path, counted, 1), "me", tmp_path / "c.parquet", MERGING)
    ids = corpus.utterances("all")["utterance_id"].to_pylist()
    assert ids == ["a_0", "a_1", "a_2", "b_0", "b_1", "b_2"]
    alone, _ = merge_parts(write(tmp_path, counted[:1], 1), "me", tmp_path / "one.parquet", MERGING)
    assert alone.utterances("all")["utterance_id"].to_pylist() == ids[:3]


def test_ids_that_stand_twice_in_one_conversation_are_named(tmp_path: Path) -> None:
    twice = [(None, Conversation("a", (Utterance("x", "A"), Utterance("x", "B"))))]
    with pytest.raises(DataError, match="more than once: 'a_x'"):
        merge_parts(write(tmp_path, twice, 1), "me", tmp_path / "c.parquet", MERGING)
    assert not (tmp_path / "c.parquet").exists()


def test_parts_of_another_plan_out_of_order_or_damaged_are_named(tmp_path: Path) -> None:
    talks: list[tuple[str | None, Conversation]] = [(None, conversation(i, 2)) for i in range(3)]
    parts = write(tmp_path, talks, 1)
    (tmp_path / "c.parquet").write_text("as it was")
    write_part(parts[1], talks[1:2], WIDTHS, PartFacts("somebody else"))
    with pytest.raises(DataError, match=r"1-001\.parquet.*another"):
        merge_parts(parts, "me", tmp_path / "c.parquet", MERGING)
    write_part(parts[1], talks[1:2], WIDTHS, PartFacts("me"))
    with pytest.raises(DataError, match="should follow"):
        merge_parts(parts[::-1], "me", tmp_path / "c.parquet", MERGING)
    with pytest.raises(DataError, match="columns"):
        merge_parts(parts, "me", tmp_path / "c.parquet", replace(MERGING, widths={"text": 4, "audio": 2}))
    whole = parts[2].read_bytes()
    parts[2].write_bytes(parts[1].read_bytes())
    assert not is_part(parts[2])
    with pytest.raises(DataError, match=r"1-002\.parquet.*another name"):
        merge_parts(parts, "me", tmp_path / "c.parquet", MERGING)
    parts[2].write_bytes(whole[:-40])
    assert not is_part(parts[2]) and is_part(parts[1])
    with pytest.raises(DataError, match=r"1-002\.parquet"):
        merge_parts(parts, "me", tmp_path / "c.parquet", MERGING)
    assert (tmp_path / "c.parquet").read_text() == "as it was"


def test_a_part_tells_its_notes_again(tmp_path: Path) -> None:
    facts = PartFacts("me", {"c000": ["mended"]}, {"c000": "track 2 of 3"})
    write_part(tmp_path / "p.parquet", [(None, conversation(0, 2))], WIDTHS, facts)
    assert Part(tmp_path / "p.parquet", WIDTHS).facts == facts
    corpus, _ = merge_parts([tmp_path / "p.parquet"], "me", tmp_path / "c.parquet", MERGING)
    assert corpus.heard == {"c000": "track 2 of 3"}
