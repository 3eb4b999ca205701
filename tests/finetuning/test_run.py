from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from crossspace.analysis.analyzer import LiveAnalysis
from crossspace.cli.main import main
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.seen import seen_utterances
from crossspace.errors import UsageError
from crossspace.evaluation.scores import scores
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extractors import build, from_identity
from crossspace.features.finetuned.saved import SavedEncoder
from crossspace.features.finetuned.text import TextEncoder
from crossspace.features.text.passages import Passage
from crossspace.finetuning.parts import Part, parts_of
from crossspace.finetuning.plan import Plan
from crossspace.finetuning.run import finetune
from crossspace.finetuning.training import train_part
from crossspace.predict import Predictor


def _parts(corpus: Corpus) -> list[Part]:
    rows = [(c.id, u.label) for c in corpus.split("train") for u in c.utterances if u.text and u.label]
    return parts_of(corpus, rows, 2, [0])


def test_training_rows_come_from_encoders_that_have_not_seen_them(tuned: Path, corpus: Corpus) -> None:
    featured = Corpus.read(tuned / "seed-0" / "features.parquet")
    featured.verify()
    held = {c: part.name for part in _parts(corpus) for c in part.held_out}
    for split in corpus.splits:
        for before, after in zip(corpus.split(split), featured.split(split), strict=True):
            expected = held.get(before.id, "all")
            for one, other in zip(before.utterances, after.utterances, strict=True):
                assert (one.id, one.text, one.label, one.speaker) == (other.id, other.text, other.label, other.speaker)
                if one.text is None:
                    assert other.missing == {"text": "no text"}
                    continue
                assert (other.encoders, other.seen) == ({"text": expected}, {"text": False})
    assert not any(seen_utterances(featured, split) for split in featured.splits)
    for part in ("fold-1", "fold-2", "all"):
        saved = SavedEncoder.read(tuned / "seed-0" / part)
        new = [c for c in corpus.split("train") if held[c.id] == part]
        assert [saved.has_seen(c) for c in new] == [False] * len(new)
        assert all(saved.has_seen(c) for c in corpus.split("train") if held[c.id] != part)


def test_features_are_what_the_extractor_makes(tuned: Path, corpus: Corpus) -> None:
    featured = Corpus.read(tuned / "seed-0" / "features.parquet")
    extractor = from_identity("text", featured.extractors["text"], f"finetuned:{tuned}")
    extraction = Extraction({"text": extractor})
    bare = [
        Conversation(c.id, tuple(Utterance(u.id, u.speaker, u.text) for u in c.utterances))
        for c in corpus.split("test")
    ]
    for made, stored in zip(extraction.fill(bare), featured.split("test"), strict=True):
        for one, other in zip(made.utterances, stored.utterances, strict=True):
            assert np.array_equal(one.features["text"], other.features["text"])
            assert (one.encoders, one.seen) == (other.encoders, other.seen)
    # Of conversations that it was trained on, the encoder says so.
    bare = [Conversation(c.id, tuple(replace(u, features={}) for u in c.utterances)) for c in corpus.split("train")]
    (known,) = extraction.fill(bare[:1])
    assert {u.seen.get("text") for u in known.utterances if u.text} == {True}


def test_a_live_conversation_is_read_as_the_whole(tuned: Path, corpus: Corpus) -> None:
    class Heard:
        def __init__(self) -> None:
            self.pushed: list[Utterance] = []

        def push(self, utterance: Utterance) -> dict:
            self.pushed.append(utterance)
            return {"label": "joy", "probabilities": {"joy": 1.0}, "unimodal": {}, "contributions": {}}

        def mark(self) -> int:
            return len(self.pushed)

        def rewind(self, past: int) -> None:
            del self.pushed[past:]

    extraction, heard = Extraction({"text": build("text", f"finetuned:{tuned}")}), Heard()
    (conversation,) = extraction.fill([max(corpus.split("test"), key=len)])
    live = LiveAnalysis(extraction, heard, ["text"])  # type: ignore[arg-type]
    for utterance in conversation.utterances:
        bare, mark = Utterance(utterance.id, utterance.speaker, utterance.text), live.mark()
        live.push(replace(bare, text="something else"))
        live.rewind(mark)
        live.push(bare)
    for one, other in zip(heard.pushed, conversation.utterances, strict=True):
        assert np.array_equal(one.features["text"], other.features["text"])


@pytest.mark.parametrize("changes", [{"adapted": "all"}, {"adapters": 0, "learning_rate": 1e-3}])
def test_other_ways_to_train_are_kept_and_read(
    plan: Callable[..., Plan], corpus: Corpus, tmp_path: Path, changes: dict[str, object]
) -> None:
    made = plan(settings=replace(plan().settings, epochs=1, **changes), seeds=(0,))  # type: ignore[arg-type]
    train_part(made, corpus, tmp_path, Part(0, "all"), "cpu", lambda *_: None)
    saved = SavedEncoder.read(tmp_path / "seed-0" / "all")
    encoder = TextEncoder(tmp_path / "seed-0" / "all")
    found = [
        encoder.encode([Passage(u.text or "", u.speaker)])[0] for c in corpus.split("validation") for u in c.utterances
    ]
    answers = [int(both[1].argmax()) for both in found if both is not None]
    truth = [u.label for c in corpus.split("validation") for u in c.utterances]
    # What is read back says what was said when the epoch was chosen.
    result = scores([saved.labels.index(t or "") for t in truth], answers, saved.labels)
    assert result.weighted_f1 == pytest.approx(saved.best["score"], abs=1e-9)


def test_the_classifiers_are_tested_once(tuned: Path) -> None:
    results = json.loads((tuned / "results.json").read_text(encoding="utf-8"))
    assert (results["protocol"], results["split"], results["seeds"]) == ("validation", "test", [0])
    assert results["metrics"]["weighted_f1"]["mean"] > 0.6


def test_what_is_there_is_not_made_again_and_what_lacks_is(tuned: Path, turned: Plan, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "copy"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    shutil.rmtree(folder / "seed-0" / "fold-2")
    (folder / "seed-0" / "features.parquet").unlink()
    finetune(turned, folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors") if "fold-2" not in path.parts}
    assert kept == {path: at for path, at in before.items() if "fold-2" not in path.parts}
    for name in ("fold-2/adapter_model.safetensors", "features.parquet"):
        assert (folder / "seed-0" / name).read_bytes() == (tuned / "seed-0" / name).read_bytes()


def test_a_corpus_without_a_test_split_is_encoded_all_the_same(
    plan: Callable[..., Plan], corpus: Corpus, tmp_path: Path
) -> None:
    without = corpus.with_splits(dict.fromkeys(corpus.conversation_ids("test")))
    without.write(tmp_path / "without.parquet")
    made = replace(plan(), corpus=tmp_path / "without.parquet", settings=replace(plan().settings, epochs=1), folds=0)
    assert "metrics" not in finetune(made, tmp_path / "out")
    featured = Corpus.read(tmp_path / "out" / "seed-0" / "features.parquet")
    assert len(featured.split(None)) == 8
    assert all("text" in u.features for c in featured.split(None) for u in c.utterances)


def test_a_part_that_was_killed_before_its_digests_is_finished(tuned: Path, turned: Plan, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "copy"))
    (folder / "seed-0" / "all" / "SHA256SUMS").unlink()
    (folder / "seed-0" / "fold-1" / "checkpoint.pt").write_bytes(b"left")
    finetune(turned, folder)
    name = "adapter_model.safetensors"
    assert (folder / "seed-0" / "all" / name).read_bytes() == (tuned / "seed-0" / "all" / name).read_bytes()
    assert not list(folder.rglob("checkpoint.pt"))


def test_another_fine_tuning_is_refused(tuned: Path, plan: Callable[..., Plan], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds another fine-tuning: settings was"):
        finetune(plan(), tuned)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"should be new or empty. Found mine.txt"):
        finetune(plan(), tmp_path)


@pytest.mark.long
def test_encoders_side_by_side_are_those_of_one_after_the_other(tuned: Path, turned: Plan, tmp_path: Path) -> None:
    finetune(turned, tmp_path / "two", jobs=2)
    for name in ("all", "fold-1", "fold-2"):
        found = tmp_path / "two" / "seed-0" / name / "adapter_model.safetensors"
        assert found.read_bytes() == (tuned / "seed-0" / name / "adapter_model.safetensors").read_bytes()


def test_in_sample_features_are_marked_and_refused_where_they_judge(
    plan: Callable[..., Plan], tmp_path: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    made = plan()
    words = f"finetune {made.corpus} --out {tmp_path / 'out'} --base {made.base} --in-sample --adapters 4 --epochs 1"
    assert main([*words.split(), "--quiet", "--tokens", "48", "--jobs", "1"]) == 0
    assert "an encoder that has seen their labels" in capsys.readouterr().out
    path = tmp_path / "out" / "seed-0" / "features.parquet"
    featured = Corpus.read(path)
    labelled = sum(u.label is not None and u.text is not None for c in corpus.split("train") for u in c.utterances)
    assert seen_utterances(featured, "train") == {"text": labelled}
    assert {u.seen["text"] for c in featured.split("train") for u in c.utterances if u.text} == {True}
    assert seen_utterances(featured, "validation") == {}
    train = ["train", "--model", "logistic-regression", "--balancer", "fixed", "--quiet", "--training.epochs", "1"]
    assert main([*train, "--data", str(path), "--out", str(tmp_path / "run")]) == 0
    assert "In-sample features" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    # Cut anew, conversations that the encoder has seen would choose the epoch.
    cut = tmp_path / "cut.parquet"
    assert main(["data", "split", str(path), str(cut), "--fraction", "0.3"]) == 0
    capsys.readouterr()
    assert main([*train, "--data", str(cut), "--out", str(tmp_path / "refused")]) == 2
    assert "have features from an encoder that was trained on their labels" in capsys.readouterr().err.replace(
        "\n", " "
    )
    assert main([*train, "--data", str(cut), "--out", str(tmp_path / "told"), "--training.in_sample", "true"]) == 0
    assert "are too high" in (tmp_path / "told" / "report.md").read_text(encoding="utf-8")


def test_the_mean_of_the_folds_encodes_the_others(plan: Callable[..., Plan], tmp_path: Path, corpus: Corpus) -> None:
    made = replace(plan(), others="folds", output="both", settings=replace(plan().settings, epochs=1))
    finetune(made, tmp_path / "out")
    featured = Corpus.read(tmp_path / "out" / "seed-0" / "features.parquet")
    assert featured.spec.widths == {"text": 16 + 3}
    parts = [TextEncoder(tmp_path / "out" / "seed-0" / name) for name in ("fold-1", "fold-2")]
    first = next(iter(featured.split("test"))).utterances[0]
    states = [one.encode([Passage(first.text or "", "A")])[0] for one in parts]
    mean = np.mean([np.concatenate(both) for both in states if both is not None], axis=0)
    np.testing.assert_allclose(first.features["text"], mean, rtol=1e-6, atol=1e-7)
    assert first.encoders == {"text": "folds"}
    extractor = from_identity(
        "text", featured.extractors["text"], f"finetuned:{tmp_path / 'out'},output=both,encoder=folds"
    )
    assert extractor.width == 19


@pytest.mark.parametrize("output", ["states", "logits", "both"])
def test_the_classifier_is_a_model_that_says_the_same(
    plan: Callable[..., Plan], corpus: Corpus, tmp_path: Path, output: str
) -> None:
    finetune(replace(plan(output=output), folds=0), tmp_path)
    own = tmp_path / "seed-0"
    head = Predictor.from_pretrained(own / "head")
    featured = Corpus.read(own / "features.parquet")
    said = head.predict_corpus(featured, "test")
    stated = pq.read_table(own / "predictions.parquet")
    assert said["label"].to_pylist() == stated["label"].to_pylist()
    for label in corpus.spec.labels:
        np.testing.assert_allclose(said[f"p_{label}"], stated[f"p_{label}"], atol=1e-5)
    assert head.causal
    # What was killed between the two files of the model is made whole by the same command.
    (own / "head" / "config.json").unlink()
    finetune(replace(plan(output=output), folds=0), tmp_path)
    assert Predictor.from_pretrained(own / "head").task == head.task
    # A new conversation is read like any other, with the turns before it.
    (tmp_path / "chat.txt").write_text("A: zzz z\nB: aaaa\n")
    words = ["analyze", str(tmp_path / "chat.txt"), "--model", str(own / "head"), "--text"]
    extractor = f"finetuned:{tmp_path},output={output}"
    assert main([*words, extractor, "--out", str(tmp_path / "chat.json")]) == 0
    found = json.loads((tmp_path / "chat.json").read_text())
    assert [u["label"] for u in found["utterances"]] == ["anger", "joy"]


def test_several_classifiers_are_no_model(plan: Callable[..., Plan], tmp_path: Path) -> None:
    finetune(plan(others="folds"), tmp_path)
    assert not (tmp_path / "seed-0" / "head").exists()
