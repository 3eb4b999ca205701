"""Encoders as they are kept: what they know again, what fits them, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import DataError, UsageError
from crossspace.features.extractors import Missing, build
from crossspace.features.finetuned.saved import SavedEncoder, is_among, marks_of
from crossspace.features.finetuned.settings import FineTuning
from crossspace.features.finetuned.text import TextEncoder, licence_note
from crossspace.features.text.passages import Passage
from crossspace.finetuning.plan import Plan

SETTINGS = FineTuning()
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


def test_adapters_are_merged_as_the_library_computes_them(tuned: Path, plan: Callable[..., Plan]) -> None:
    """PEFT itself reads the folder and gives the same states."""
    import peft

    from crossspace.features.finetuned.text import base_checkpoint

    folder = tuned / "seed-0" / "all"
    encoder = TextEncoder(folder)
    library = peft.PeftModel.from_pretrained(base_checkpoint(plan().base, None).model, folder).eval()
    (tokens,) = encoder.reader.read([Passage("hooray", "A", (("B", "so"),))])
    with torch.no_grad():
        states = library(input_ids=torch.tensor([tokens.ids])).last_hidden_state[0]
    (found,) = encoder.encode([Passage("hooray", "A", (("B", "so"),))])
    assert found is not None
    np.testing.assert_allclose(found[0], states[tokens.begin : tokens.end].mean(0).numpy(), atol=1e-5)
    head = load_file(folder / "classifier.safetensors")
    np.testing.assert_allclose(found[1], head["weight"].numpy() @ found[0] + head["bias"].numpy(), atol=1e-5)


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


def test_a_classifier_of_another_width_is_refused(tuned: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _with_classifier(tuned, tmp_path, lambda weight: weight[:, :5].contiguous())
    with pytest.raises(DataError, match=r"a classifier of 16 numbers.* Found one of 5"):
        build("text", f"finetuned:{folder},base=transformers:{folders['text']}")


def test_what_is_not_finite_is_missing(tuned: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    folder = _with_classifier(tuned, tmp_path, lambda weight: weight * float("nan"))
    made = build("text", f"finetuned:{folder},base=transformers:{folders['text']}")
    assert [type(found) for found in made.extract([Passage("hooray", "A")])] == [Missing]


def _with_classifier(tuned: Path, target: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> Path:
    folder = Path(shutil.copytree(tuned / "seed-0" / "all", target / "all"))
    (folder / "SHA256SUMS").unlink()
    values = load_file(folder / "classifier.safetensors")
    save_file({**values, "weight": change(values["weight"])}, folder / "classifier.safetensors")
    return folder


def test_the_mean_over_seeds_is_that_of_what_each_says(tuned: Path, folders: dict[str, Path], tmp_path: Path) -> None:
    base = f"base=transformers:{folders['text']}"
    for number, part in enumerate(("all", "fold-1")):
        shutil.copytree(tuned / "seed-0" / part, tmp_path / f"seed-{number}" / "all")
    passage = [Passage("zzz aa", "A")]
    alone = [
        build("text", f"finetuned:{tuned / 'seed-0' / part},output=logits,{base}").extract(passage)[0]
        for part in ("all", "fold-1")
    ]
    (mean,) = build("text", f"finetuned:{tmp_path},output=logits,encoder=seeds,{base}").extract(passage)
    np.testing.assert_allclose(mean, np.mean(alone, axis=0), atol=1e-6)
    with pytest.raises(UsageError, match="seeds"):
        build("text", f"finetuned:{tmp_path},encoder=each")
    with pytest.raises(DataError, match="Found none"):
        build("text", f"finetuned:{tmp_path / 'seed-0' / 'nothing'},encoder=seeds")


def test_adapters_kept_in_half_of_the_width_say_nearly_the_same(
    tuned: Path, folders: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(tuned / "seed-0" / "all", tmp_path / "half")
    path = tmp_path / "half" / "adapter_model.safetensors"
    save_file({name: value.half() for name, value in load_file(path).items()}, path)
    (tmp_path / "half" / "SHA256SUMS").unlink()
    base, passage = f"base=transformers:{folders['text']}", [Passage("zzz aa", "A")]
    whole, half = (build("text", f"finetuned:{f},{base}") for f in (tuned / "seed-0" / "all", tmp_path / "half"))
    assert whole.version != half.version
    np.testing.assert_allclose(half.extract(passage)[0], whole.extract(passage)[0], atol=2e-3)
