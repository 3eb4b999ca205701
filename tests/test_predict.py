"""Records, contributions, and what does not fit."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossspace import Conversation, Corpus, Predictor, TaskSpec, Utterance
from crossspace.batching.collate import collate
from crossspace.cli.main import main
from crossspace.data.conversation_json import read_conversation, read_with_extractors
from crossspace.data.importers.synthetic import Synthetic
from crossspace.errors import DataError, MismatchError
from crossspace.inference.infer import infer
from crossspace.predict import predictions_of, said_unmatched


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_pretrained(finished_run)


@pytest.fixture
def conversation(tiny_corpus: Corpus) -> Conversation:
    return next(c for c in tiny_corpus.split("test") if any(len(u.features) < 3 for u in c.utterances) and len(c) > 2)


@pytest.fixture
def write_json(tmp_path: Path) -> Callable[[Conversation], Path]:
    def write(conversation: Conversation) -> Path:
        said = [
            {"id": u.id, "speaker": u.speaker, "features": {m: x.tolist() for m, x in u.features.items()}}
            for u in conversation.utterances
        ]
        path = tmp_path / "conversation.json"
        path.write_text(json.dumps({"id": conversation.id, "utterances": said}))
        return path

    return write


def without(conversation: Conversation, *modalities: str) -> Conversation:
    said = [
        replace(u, features={m: x for m, x in u.features.items() if m not in modalities})
        for u in conversation.utterances
    ]
    return Conversation(conversation.id, tuple(said))


def test_every_utterance_gets_a_record_with_all_that_was_promised(
    predictor: Predictor, conversation: Conversation
) -> None:
    records = predictor.predict(conversation)
    assert [r["utterance_id"] for r in records] == [u.id for u in conversation.utterances]
    for record, utterance in zip(records, conversation.utterances, strict=True):
        assert set(record) == {"utterance_id", "label", "probabilities", "unimodal", "contributions"}
        assert list(record["probabilities"]) == list(predictor.task.labels)
        assert sum(record["probabilities"].values()) == pytest.approx(1)
        assert record["label"] == max(record["probabilities"], key=record["probabilities"].get)
        assert set(record["unimodal"]) == set(utterance.features)
        assert all(sum(p.values()) == pytest.approx(1) for p in record["unimodal"].values())
        assert set(record["contributions"]) == {"text", "audio", "visual"}
    assert json.loads(json.dumps(records)) == records


def test_contributions_add_up_to_what_seeing_something_changes(
    predictor: Predictor, conversation: Conversation
) -> None:
    records = predictor.predict(conversation)
    blind = predictor.predict(without(conversation, "text", "audio", "visual"))
    for record, nothing in zip(records, blind, strict=True):
        label = record["label"]
        expected = record["probabilities"][label] - nothing["probabilities"][label]
        assert sum(record["contributions"].values()) == pytest.approx(expected, abs=1e-9)
        assert nothing["contributions"] == {} and nothing["unimodal"] == {}


def test_contributions_are_the_averages_over_all_orders_of_arrival(
    predictor: Predictor, conversation: Conversation
) -> None:
    batch = collate([conversation], predictor.task)
    full = infer(predictor.model, [batch]).probabilities
    chosen = full.argmax(1)

    def value(*kept: str) -> np.ndarray:
        return infer(predictor.model, [batch.keep(kept)]).probabilities[np.arange(len(batch)), chosen]

    t, a, v = "text", "audio", "visual"
    expected = (
        2 * (value(t) - value()) + value(t, a) - value(a) + value(t, v) - value(v) + 2 * (value(t, a, v) - value(a, v))
    ) / 6
    found = [r["contributions"][t] for r in predictor.predict(conversation)]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_modality_missing_everywhere_has_no_entry(predictor: Predictor, conversation: Conversation) -> None:
    for record in predictor.predict(without(conversation, "audio")):
        assert set(record["contributions"]) == {"text", "visual"} and "audio" not in record["unimodal"]


def test_labels_of_the_conversation_do_not_matter(predictor: Predictor, conversation: Conversation) -> None:
    other = [replace(u, label="not even a label") for u in conversation.utterances]
    assert predictor.predict(Conversation("x", tuple(other))) == predictor.predict(conversation)


def test_a_corpus_and_a_json_conversation_give_equal_probabilities(
    predictor: Predictor, tiny_corpus: Corpus, conversation: Conversation, write_json: Callable
) -> None:
    records = predictor.predict(read_conversation(write_json(conversation)))
    rows = [
        r for r in predictor.predict_corpus(tiny_corpus, "test").to_pylist() if r["conversation_id"] == conversation.id
    ]
    assert [r["label"] for r in rows] == [r["label"] for r in records]
    for row, record in zip(rows, records, strict=True):
        for label, p in record["probabilities"].items():
            assert row[f"p_{label}"] == pytest.approx(p, abs=1e-6)


def test_tables_have_the_columns_of_the_design(predictor: Predictor, tiny_corpus: Corpus) -> None:
    table = predictor.predict_corpus(tiny_corpus, "validation")
    labels = [f"p_{label}" for label in tiny_corpus.spec.labels]
    columns = ["conversation_id", "utterance_id", "position", "speaker", "label", "confidence", *labels]
    assert table.column_names[: len(columns)] == columns
    assert table.num_rows == sum(tiny_corpus.lengths("validation"))
    for row in table.to_pylist():
        assert row["confidence"] == max(row[c] for c in labels) == row[f"p_{row['label']}"]


def test_a_modality_that_the_corpus_lacks_is_missing_everywhere(predictor: Predictor, tiny_corpus: Corpus) -> None:
    spec = TaskSpec(tiny_corpus.spec.labels, {"text": 4, "visual": 2}, tiny_corpus.spec.speakers)
    poor = Corpus({"test": [without(c, "audio") for c in tiny_corpus.split("test")]}, spec)
    expected = [p for c in poor.split("test") for p in predictor.predict(c)]
    found = predictor.predict_corpus(poor, "test").to_pylist()
    assert [r["label"] for r in found] == [r["label"] for r in expected]
    assert all(r["label_audio"] is None for r in found)


def test_modalities_that_do_not_meet_are_told_on_both_sides(predictor: Predictor, tiny_corpus: Corpus) -> None:
    assert predictor.unmatched(tiny_corpus) == ([], [])
    fewer = tiny_corpus.with_modalities(["text"])
    assert predictor.unmatched(fewer, "test") == (["audio", "visual"], [])
    renamed = {
        split: [
            replace(
                c,
                utterances=tuple(
                    replace(u, features={f"my-{m}": x for m, x in u.features.items()}) for u in c.utterances
                ),
            )
            for c in tiny_corpus.split(split)
        ]
        for split in tiny_corpus.splits
    }
    spec = replace(tiny_corpus.spec, widths={f"my-{m}": d for m, d in tiny_corpus.spec.widths.items()})
    lacking, unused = predictor.unmatched(Corpus(renamed, spec))
    assert (lacking, unused) == (["text", "audio", "visual"], ["my-text", "my-audio", "my-visual"])
    said = said_unmatched(lacking, unused)
    assert "text, audio, visual" in said[0] and "my-text" in said[1] and "another name" in said[2]
    assert said_unmatched([], []) == [] and len(said_unmatched(["audio"], [])) == 1


def test_a_modality_that_a_corpus_has_in_no_utterance_of_the_split_is_lacking(
    predictor: Predictor, tiny_corpus: Corpus
) -> None:
    deaf = {
        split: [
            replace(c, utterances=tuple(replace(u, features=seen(u, split == "test")) for u in c.utterances))
            for c in tiny_corpus.split(split)
        ]
        for split in tiny_corpus.splits
    }
    corpus = Corpus(deaf, tiny_corpus.spec)
    assert predictor.unmatched(corpus, "test") == (["audio"], []) and predictor.unmatched(corpus) == ([], [])


def seen(utterance: Utterance, deaf: bool) -> dict[str, np.ndarray]:
    return {m: x for m, x in utterance.features.items() if m != "audio" or not deaf}


def test_an_empty_split_and_an_empty_conversation_give_nothing(predictor: Predictor, tiny_corpus: Corpus) -> None:
    poor = Corpus({"test": list(tiny_corpus.split("test"))}, tiny_corpus.spec)
    assert predictor.predict_corpus(poor, "train").num_rows == 0
    assert predictor.predict(Conversation("empty", ())) == []


def test_long_corpora_in_several_batches_give_the_same(
    predictor: Predictor, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    import crossspace.predict as module

    expected = predictor.infer_corpus(tiny_corpus, "all").probabilities
    real = module.batches_of
    monkeypatch.setattr(module, "batches_of", lambda lengths: real(lengths, rows=5))
    np.testing.assert_allclose(predictor.infer_corpus(tiny_corpus, "all").probabilities, expected, atol=1e-6)


def test_widths_that_differ_are_named_on_both_sides(predictor: Predictor, conversation: Conversation) -> None:
    other = Synthetic(train=1, validation=1, test=1, widths={"text": 7, "audio": 3, "visual": 9}).read()
    with pytest.raises(MismatchError) as caught:
        predictor.predict_corpus(other, "test")
    assert "text: the model expects 4 features, the corpus has 7" in str(caught.value)
    assert "visual: the model expects 2 features, the corpus has 9" in str(caught.value)
    wide = replace(conversation.utterances[0], features={"text": np.zeros(5, np.float32)})
    with pytest.raises(MismatchError, match=r"text should have 4 features.*5"):
        predictor.predict(Conversation("c", (wide,)))


def test_features_that_are_not_finite_are_refused(predictor: Predictor, conversation: Conversation) -> None:
    broken = replace(conversation.utterances[0], features={"text": np.full(4, np.nan, np.float32)})
    with pytest.raises(MismatchError, match="finite"):
        predictor.predict(Conversation("c", (broken,)))
    with pytest.raises(MismatchError, match="finite"):
        predictor.stream().push(broken)


def test_a_split_without_conversations_gives_no_file(
    finished_run: Path, tiny_corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, out = tmp_path / "c.parquet", tmp_path / "p.csv"
    Corpus({"train": list(tiny_corpus.split("train"))}, tiny_corpus.spec).write(corpus)
    assert main(["predict", str(finished_run), str(corpus), "--split", "test", "--out", str(out)]) == 1
    assert "should have the split test. Found train" in capsys.readouterr().err and not out.exists()


def test_labels_that_differ_are_named_on_both_sides(predictor: Predictor, tiny_corpus: Corpus) -> None:
    spec = TaskSpec(("sad", "happy", "angry", "neutral"), tiny_corpus.spec.widths, tiny_corpus.spec.speakers)
    with pytest.raises(MismatchError, match=r"\['happy', 'sad'.*\['sad', 'happy'"):
        predictions_of(predictor, Corpus({"test": list(tiny_corpus.split("test"))}, spec), "test", 0)


def test_features_of_another_extractor_are_refused_and_both_named(predictor: Predictor, tiny_corpus: Corpus) -> None:
    parts = {"test": list(tiny_corpus.split("test"))}
    other = Corpus(parts, tiny_corpus.spec, extractors={"text": {"name": "words", "version": "9", "parameters": {}}})
    with pytest.raises(MismatchError, match=r"synthetic.*words"):
        predictor.predict_corpus(other, "test")
    assert predictor.predict_corpus(Corpus(parts, tiny_corpus.spec), "test").num_rows, "not stated is not another"


def test_no_common_modality_is_refused(predictor: Predictor) -> None:
    said = Utterance("u", "A", features={"pulse": np.zeros(3, np.float32)})
    other = Corpus({"test": [Conversation("c", (said,))]}, TaskSpec(predictor.task.labels, {"pulse": 3}))
    with pytest.raises(MismatchError, match="pulse"):
        predictor.predict_corpus(other, "test")


@pytest.mark.parametrize("better", [0, 1])
def test_a_run_folder_gives_the_seed_with_the_best_validation_score(
    finished_run: Path, tmp_path: Path, better: int
) -> None:
    for seed in (0, 1):
        target = tmp_path / f"seed-{seed}"
        target.mkdir()
        for name in ("config.json", "model.safetensors"):
            (target / name).write_bytes((finished_run / f"seed-{seed}" / name).read_bytes())
        (target / "result.json").write_text(json.dumps({"best_score": 0.5 if seed == better else 0.25}))
    assert Predictor.from_pretrained(tmp_path).name == str(tmp_path / f"seed-{better}")
    assert Predictor.from_pretrained(tmp_path / "seed-1").name == str(tmp_path / "seed-1")


def test_what_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="finished seeds"):
        Predictor.from_pretrained(tmp_path)
    with pytest.raises(DataError, match="neither"):
        Predictor.from_pretrained(tmp_path / "nowhere")
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0" / "result.json").write_text("{}")
    with pytest.raises(DataError, match=r"result\.json"):
        Predictor.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "JSON"),
        ("[]", "utterances"),
        ('{"utterances": 3}', "utterances"),
        ('{"utterances": [3, {"features": {"t": "abc"}}, {"features": {"t": [[1]]}}]}', "utterance 2"),
        ('{"utterances": [{"features": [1, 2]}]}', "utterance 0"),
        ('{"utterances": [{"features": {"t": [1, NaN]}}]}', "finite"),
        ('{"utterances": [{"features": {"t": [1, [2]]}}]}', "utterance 0"),
        ('{"utterances": [{"start": "soon"}]}', "utterance 0"),
    ],
)
def test_json_that_is_no_conversation_is_refused_with_every_fault(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_conversation(path)
    assert "c.json" in str(caught.value)


def test_a_json_conversation_may_say_little_and_use_the_aliases_of_the_field(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text('{"utterances": [{"features": {"t": [1, 2], "acoustic": null}}, {}]}')
    found = read_conversation(path)
    assert [u.id for u in found.utterances] == ["conversation_0", "conversation_1"]
    assert set(found.utterances[0].features) == {"text"} and found.utterances[1].features == {}


def test_features_of_another_extractor_are_refused_where_it_is_told(
    finished_run: Path, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    predictor = Predictor.from_pretrained(finished_run)
    predictor.model.details["extractors"] = {"text": {"name": "minilm", "version": "1"}}
    conversation = tiny_corpus.split("test")[0]
    assert predictor.predict(conversation) == predictor.predict(
        conversation, extractors={"text": {"name": "minilm", "version": "1"}, "smell": {"name": "nose"}}
    )
    with pytest.raises(MismatchError, match=r"text: the model was trained on features of minilm.*other"):
        predictor.predict(conversation, extractors={"text": {"name": "other", "version": "1"}})


@pytest.mark.parametrize("extractors", [[], "minilm", {"text": "minilm"}, {"text": {"version": "1"}}])
def test_a_conversation_whose_extractors_are_no_extractors_is_refused(tmp_path: Path, extractors: object) -> None:
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({"utterances": [{"speaker": "a", "features": {"text": [1]}}], "extractors": extractors}))
    if not extractors:
        assert read_with_extractors(path)[1] == {}
        return
    with pytest.raises(DataError, match=r"talk\.json.*extractors"):
        read_with_extractors(path)


def test_a_changed_score_of_a_seed_does_not_choose_another_model(finished_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    path = folder / "seed-0" / "result.json"
    path.write_text(re.sub(r'"best_score": 0\.\d', '"best_score": 0.9', path.read_text()))
    with pytest.raises(DataError, match=r"result\.json was changed"):
        Predictor.from_pretrained(folder)
    (folder / "seed-0" / "SHA256SUMS").unlink()  # as runs of earlier releases are
    assert Predictor.from_pretrained(folder).name.endswith("seed-0")


def test_without_a_name_it_is_the_model_in_the_box() -> None:
    from crossspace.pretrained import FOLDER

    assert Predictor.from_pretrained().name == Predictor.from_pretrained(FOLDER).name
