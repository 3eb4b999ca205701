from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from crossspace.analysis.analyzer import LiveAnalysis
from crossspace.cli.main import main
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.seen import seen_utterances
from crossspace.errors import DataError, UsageError
from crossspace.evaluation.scores import scores
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extractors import build, from_identity
from crossspace.features.finetuned.saved import SavedEncoder, is_among, marks_of
from crossspace.features.finetuned.settings import FineTuning
from crossspace.features.finetuned.text import TextEncoder, licence_note
from crossspace.features.text.passages import Passage
from crossspace.finetuning.parts import Part, parts_of
from crossspace.finetuning.plan import Plan
from crossspace.finetuning.run import finetune
from crossspace.finetuning.training import train_part

Once = Callable[[str, Callable[[Path], None]], Path]
SETTINGS = FineTuning()


@pytest.fixture(scope="module")
def tuned(once: Once, plan: Callable[..., Plan]) -> Path:
    """A finished fine-tuning, with one earlier turn."""
    return once("finetuned", lambda folder: finetune(_with_a_turn(plan()), folder) and None)


def _parts(corpus: Corpus) -> list[Part]:
    rows = [(c.id, u.label) for c in corpus.split("train") for u in c.utterances if u.text and u.label]
    return parts_of(corpus, rows, 2, [0])


def _with_a_turn(plan: Plan) -> Plan:
    return replace(plan, settings=replace(plan.settings, context_turns=1))


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


SAID = (
    ("Ann", "I told you twice already that the train leaves at nine."),
    ("Ben", "Oh."),
    ("Ann", "And that nobody would wait for the three of you."),
    ("Ben", "We did not know where the station was, honestly."),
)


def talk(name: str, said: Sequence[tuple[str, str]]) -> Conversation:
    return Conversation(name, tuple(Utterance(f"{name}{i}", who, text) for i, (who, text) in enumerate(said)))


@pytest.mark.parametrize(
    "changed",
    [
        [("A", text) for _, text in SAID],
        [(who, text.upper().replace(",", "").replace(".", " !")) for who, text in SAID],
        SAID[1:],
        SAID[:2],
        [*SAID[:2], ("Cy", "Something that nobody has said before, I hope."), *SAID[2:]],
    ],
    ids=["renamed", "written otherwise", "cut", "half", "with another turn"],
)
def test_a_conversation_is_known_by_what_is_said_in_it(changed: Sequence[tuple[str, str]]) -> None:
    saved = SavedEncoder("x", "minilm", "d", SETTINGS, ("a",), marks_of([talk("first", SAID)]), {}, {})
    assert saved.has_seen(talk("other", changed))


@pytest.mark.parametrize(
    "other",
    [
        [("Ann", "Oh."), ("Ben", "What did you say about the train to Leeds?")],
        [SAID[0], ("Ben", "That is not what I asked you, is it?"), ("Ann", "Then say it again, and say it slowly.")],
        [("Ann", "Hey."), ("Ben", "Hey!")],
    ],
)
def test_another_conversation_is_not_known(other: Sequence[tuple[str, str]]) -> None:
    marks = marks_of([talk("first", SAID), talk("greeting", [("Ann", "Hey."), ("Ben", "Hey!")])])
    saved = SavedEncoder("x", "minilm", "d", SETTINGS, ("a",), marks, {}, {})
    assert not saved.has_seen(talk("other", other))
    # What is said in every second conversation tells none apart.
    usual = [("Ann", "Thank you for calling, how may I help you?"), ("Ben", "I would like to pay my bill, please.")]
    calls = [talk(f"call{i}", [*usual, ("Ann", f"Your number is {i}, if I may say so.")]) for i in range(3)]
    assert not is_among(talk("call4", [*usual, ("Ann", "Your number, if you please?")]), marks_of(calls))
    # Few words are those of a conversation of that name.
    assert saved.has_seen(talk("greeting", [("Cy", "hey"), ("Dee", "hey")]))


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


def test_adapters_are_merged_as_the_library_computes_them(tuned: Path, plan: Callable[..., Plan]) -> None:
    """PEFT itself reads the folder and gives the same states."""
    import peft

    from crossspace.features.finetuned.text import base_checkpoint

    folder = tuned / "seed-0" / "all"
    encoder = TextEncoder(folder)
    library = peft.PeftModel.from_pretrained(base_checkpoint(plan().base, None).model, folder).eval()
    (tokens,) = encoder._reader.read([Passage("hooray", "A", (("B", "so"),))])
    with torch.no_grad():
        states = library(input_ids=torch.tensor([tokens.ids])).last_hidden_state[0]
    (found,) = encoder.encode([Passage("hooray", "A", (("B", "so"),))])
    assert found is not None
    np.testing.assert_allclose(found[0], states[tokens.begin : tokens.end].mean(0).numpy(), atol=1e-5)
    head = load_file(folder / "classifier.safetensors")
    np.testing.assert_allclose(found[1], head["weight"].numpy() @ found[0] + head["bias"].numpy(), atol=1e-5)


def test_the_classifiers_are_tested_once(tuned: Path) -> None:
    results = json.loads((tuned / "results.json").read_text(encoding="utf-8"))
    assert (results["protocol"], results["split"], results["seeds"]) == ("validation", "test", [0])
    assert results["metrics"]["weighted_f1"]["mean"] > 0.6


def test_what_is_there_is_not_made_again_and_what_lacks_is(
    tuned: Path, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "copy"))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    shutil.rmtree(folder / "seed-0" / "fold-2")
    (folder / "seed-0" / "features.parquet").unlink()
    finetune(_with_a_turn(plan()), folder)
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


def test_a_part_that_was_killed_before_its_digests_is_finished(
    tuned: Path, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "copy"))
    (folder / "seed-0" / "all" / "SHA256SUMS").unlink()
    (folder / "seed-0" / "fold-1" / "checkpoint.pt").write_bytes(b"left")
    finetune(_with_a_turn(plan()), folder)
    name = "adapter_model.safetensors"
    assert (folder / "seed-0" / "all" / name).read_bytes() == (tuned / "seed-0" / "all" / name).read_bytes()
    assert not list(folder.rglob("checkpoint.pt"))


def test_another_fine_tuning_is_refused(tuned: Path, plan: Callable[..., Plan], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds another fine-tuning: settings was"):
        finetune(plan(), tuned)
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"should be new or empty. Found mine.txt"):
        finetune(plan(), tmp_path)


def test_encoders_side_by_side_are_those_of_one_after_the_other(
    tuned: Path, plan: Callable[..., Plan], tmp_path: Path
) -> None:
    finetune(_with_a_turn(plan()), tmp_path / "two", jobs=2)
    for name in ("all", "fold-1", "fold-2"):
        found = tmp_path / "two" / "seed-0" / name / "adapter_model.safetensors"
        assert found.read_bytes() == (tuned / "seed-0" / name / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "finetuned.json", "classifier.safetensors"])
def test_an_encoder_that_was_changed_is_refused(tuned: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(tuned / "seed-0" / "all", tmp_path / "all"))
    damaged = bytearray((folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (folder / name).write_bytes(damaged)
    with pytest.raises(DataError, match=f"{name} was changed or damaged"):
        build("text", f"finetuned:{folder}")


def test_adapters_of_another_network_are_refused(tuned: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    other = Path(shutil.copytree(folders["text"], tmp_path / "other"))
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    (other / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-3}), encoding="utf-8")
    with pytest.raises(DataError, match="Here that is another network"):
        build("text", f"finetuned:{tuned},base=transformers:{other}")
    with pytest.raises(DataError, match="should be a fine-tuned encoder"):
        build("text", f"finetuned:{folders['text']}")
    with pytest.raises(DataError, match=r"should be an encoder of audio. It is one of text"):
        build("audio", f"finetuned:{tuned}")


def test_an_encoder_can_be_moved(tuned: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    moved = Path(shutil.copytree(tuned, tmp_path / "a" / "moved"))
    described = (moved / "seed-0" / "all" / "finetuned.json").read_text(encoding="utf-8")
    assert str(folders["text"].parent) not in described
    with pytest.raises(DataError, match=r"is not in its place any more. Say where it is: finetuned:.*base="):
        build("text", f"finetuned:{moved}")
    there = build("text", f"finetuned:{moved},base=transformers:{folders['text']}")
    assert there.identity == build("text", f"finetuned:{tuned}").identity


@pytest.mark.parametrize(
    "changes",
    [
        {"best": {}},
        {"base": 3},
        {"modality": None},
        {"settings": {"layers": "x"}},
        {"labels": ["a", "b"]},
        {"format": 2},
        {"where": ["x"]},
    ],
    ids=str,
)
def test_a_description_that_cannot_be_is_refused(tuned: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    folder = Path(shutil.copytree(tuned / "seed-0" / "all", tmp_path / "all"))
    (folder / "SHA256SUMS").unlink()
    said = json.loads((folder / "finetuned.json").read_text(encoding="utf-8"))
    (folder / "finetuned.json").write_text(json.dumps({**said, **changes}), encoding="utf-8")
    with pytest.raises((DataError, UsageError)):
        build("text", f"finetuned:{tmp_path},base={said['base']}")


@pytest.mark.parametrize("change", ["another size", "half a pair", "another place", "no classifier"])
def test_weights_that_do_not_fit_are_refused(
    tuned: Path, folders: dict[str, Path], tmp_path: Path, change: str
) -> None:
    folder = Path(shutil.copytree(tuned / "seed-0" / "all", tmp_path / "all"))
    (folder / "SHA256SUMS").unlink()
    name = "classifier.safetensors" if change == "no classifier" else "adapter_model.safetensors"
    values = load_file(folder / name)
    first = next(iter(values))
    if change == "another size":
        values[first] = values[first][:, :1].contiguous()
    elif change == "another place":
        values[first.replace("encoder.layer", "encoder.storey")] = values.pop(first)
    else:
        values.pop(first)
    save_file(values, folder / name)
    with pytest.raises(DataError):
        build("text", f"finetuned:{folder},base=transformers:{folders['text']}")


def test_an_encoder_without_terms_is_told_of(plan: Callable[..., Plan], tmp_path: Path) -> None:
    base = Path(plan().base.removeprefix("transformers:"))
    assert licence_note(plan().base) is None
    bare = Path(shutil.copytree(base, tmp_path / "bare", ignore=shutil.ignore_patterns("LICENSE")))
    note = licence_note(f"transformers:{bare}")
    assert note is not None
    assert "under which terms" in note
    (bare / "README.md").write_text("license: mit", encoding="utf-8")
    assert licence_note(f"transformers:{bare}") is None
    assert licence_note("minilm") is None


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
