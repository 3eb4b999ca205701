"""Encoders of sound and faces: the same command, on what an extraction kept in files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossspace.cli.main import main
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.seen import seen_utterances
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, UsageError
from crossspace.features.extractors import build, from_identity
from crossspace.features.extractors.base import RATE
from crossspace.features.finetuned.clips import clip_at, keep
from crossspace.features.finetuned.settings import FineTuning
from crossspace.finetuning.plan import Plan
from crossspace.finetuning.run import finetune

LABELS = ("joy", "anger")
SETTINGS = FineTuning(
    adapters=2,
    adapted="all",
    epochs=2,
    batch_size=6,
    learning_rate=5e-3,
    head_rate=5e-2,
    class_weights=0,
    pooling="cls",
)


def sound(label: int, random: np.random.Generator) -> np.ndarray:
    time = np.arange(int(random.integers(RATE // 5, RATE // 3))) / RATE
    tone = np.sin(2 * np.pi * (180, 900)[label] * time) + 0.1 * random.standard_normal(len(time))
    return (0.3 * tone).astype(np.float32)


def faces(label: int, random: np.random.Generator) -> list[np.ndarray]:
    return [
        np.clip((60, 190)[label] + random.integers(-40, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
        for _ in range(int(random.integers(1, 4)))
    ]


MAKE = {"audio": sound, "visual": faces}


@pytest.fixture(params=["audio", "visual"])
def modality(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kept(modality: str, tmp_path: Path) -> tuple[Path, dict[str, object]]:
    """A corpus of clips, and the material of each utterance."""
    random, extractor = np.random.default_rng(0), build(modality, f"clips:{tmp_path / 'clips'}")
    parts: dict[str, list[Conversation]] = {"train": [], "validation": [], "test": []}
    material: dict[str, object] = {}
    for split, count in (("train", 12), ("validation", 4), ("test", 4)):
        for number in range(count):
            said = []
            for place in range(3):
                name, label = f"{split}{number}-{place}", int(random.integers(2))
                material[name] = MAKE[modality](label, random)
                (address,) = extractor.extract([material[name]])
                said.append(Utterance(name, "A", label=LABELS[label], features={modality: address}))
            said.append(Utterance(f"{split}{number}-none", "B", label="joy", missing={modality: "silence"}))
            parts[split].append(Conversation(f"{split}{number:02d}", tuple(said)))
    spec = TaskSpec(LABELS, {modality: 3})
    Corpus(parts, spec, name="kept", extractors={modality: extractor.identity}).write(tmp_path / "kept.parquet")
    return tmp_path / "kept.parquet", material


def test_sound_and_faces_are_encoded_by_what_has_not_seen_them(
    kept: tuple[Path, dict[str, object]], modality: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    path, material = kept
    plan = Plan(path, f"transformers:{folders[modality]}", SETTINGS, folds=2, modality=modality)
    results = finetune(plan, tmp_path / "out")
    assert results["metrics"]["accuracy"]["mean"] > 0.7
    featured = Corpus.read(tmp_path / "out" / "seed-0" / "features.parquet")
    featured.verify()
    assert not any(seen_utterances(featured, split) for split in featured.splits)
    extractor = from_identity(modality, featured.extractors[modality], f"finetuned:{tmp_path / 'out'}")
    for conversation in featured.split("test"):
        *said, nothing = conversation.utterances
        assert nothing.missing == {modality: "silence"}
        for utterance in said:
            (again,) = extractor.extract([material[utterance.id]])
            assert isinstance(again, np.ndarray)
            assert np.array_equal(again, utterance.features[modality])
            assert utterance.encoders == {modality: "all"}
    assert {u.encoders.get(modality) for c in featured.split("train") for u in c.utterances} == {
        "fold-1",
        "fold-2",
        None,
    }


def test_an_encoder_that_computes_around_its_adapters_is_refused(
    folders: dict[str, Path], tmp_path: Path, kept: tuple[Path, dict[str, object]], modality: str
) -> None:
    if modality != "audio":
        pytest.skip("It is WavLM that does.")
    plan = Plan(
        kept[0], f"transformers:{folders['audio']}", replace(SETTINGS, adapted="attention"), folds=0, modality="audio"
    )
    with pytest.raises(UsageError, match="computes around the adapters"):
        finetune(plan, tmp_path / "out")


def test_what_lacks_is_named(kept: tuple[Path, dict[str, object]], modality: str, tmp_path: Path) -> None:
    path, _ = kept
    corpus = Corpus.read(path)
    base = f"transformers:{tmp_path}"
    with pytest.raises(UsageError, match="minilm reads texts"):
        Plan(path, modality=modality)
    with pytest.raises(UsageError, match="read with texts"):
        Plan(path, base, replace(SETTINGS, context_turns=1), modality=modality).material(corpus)
    other = {"audio": "visual", "visual": "audio"}[modality]
    with pytest.raises(UsageError, match=rf"extract --{other} clips:FOLDER"):
        Plan(path, base, modality=other).material(corpus)
    (tmp_path / "clips").rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"Found no such folder; name it by --clips"):
        Plan(path, base, modality=modality).material(corpus)
    found = Plan(path, base, SETTINGS, modality=modality, clips=tmp_path / "elsewhere").material(corpus)
    first = next(iter(corpus.split("train")))
    assert sum(item is not None for item in found.raw(first)) == 3
    next((tmp_path / "elsewhere").glob("*.npy")).write_bytes(b"broken")
    with pytest.raises(DataError, match="or a damaged one"):
        [found.raw(c) for c in corpus.split("all")]


def test_a_clip_is_found_by_its_content(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    one, other = random.standard_normal((2, 500)).astype(np.float32)
    addresses = [keep(array, tmp_path) for array in (one, other, one)]
    assert np.array_equal(addresses[0], addresses[2])
    assert not np.array_equal(addresses[0], addresses[1])
    assert len(list(tmp_path.iterdir())) == 2
    clip = clip_at(tmp_path, addresses[0])
    assert len(clip) == 500
    assert np.array_equal(clip.load(), one)


@pytest.mark.long
def test_recordings_are_fine_tuned_from_the_command_line(
    folders: dict[str, Path],
    tmp_path: Path,
    recording_with_voices: Callable[[Path, int], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = ["media,transcript,split"]
    for number in range(10):
        media = recording_with_voices(tmp_path / f"{number}.wav", number)
        cues = [f"{place}.0,{place}.9,A,hm,{LABELS[(number + place + 1) % 2]}" for place in range(3)]
        (tmp_path / f"{number}.csv").write_text(
            "start,end,speaker,text,label\n" + "\n".join(cues) + "\n", encoding="utf-8"
        )
        split = "test" if number > 7 else "validation" if number > 5 else "train"
        rows.append(f"{media.name},{number}.csv,{split}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    words = ["extract", tmp_path / "manifest.csv", tmp_path / "kept.parquet", "--audio", f"clips:{tmp_path / 'clips'}"]
    words += ["--visual", "none", "--text", "none", "--jobs", "1", "--quiet", "--cache", tmp_path / "cache"]
    assert main([str(word) for word in words]) == 0
    words = ["finetune", tmp_path / "kept.parquet", "--out", tmp_path / "out", "--modality", "audio", "--folds", "2"]
    words += [
        "--base",
        f"transformers:{folders['audio']}",
        "--adapted",
        "all",
        "--epochs",
        "1",
        "--jobs",
        "1",
        "--quiet",
    ]
    assert main([str(word) for word in words]) == 0
    assert "features.parquet" in capsys.readouterr().out
    featured = Corpus.read(tmp_path / "out" / "seed-0" / "features.parquet")
    assert featured.spec.widths == {"audio": 16}
    # The whole way again, from the recording: the extractor hears what the encoder was given.
    words = [
        "extract",
        tmp_path / "manifest.csv",
        tmp_path / "again.parquet",
        "--audio",
        f"finetuned:{tmp_path / 'out'}",
    ]
    words += ["--visual", "none", "--text", "none", "--jobs", "1", "--quiet", "--cache", tmp_path / "cache"]
    assert main([str(word) for word in words]) == 0
    again = Corpus.read(tmp_path / "again.parquet")
    for one, two in zip(featured.split("test"), again.split("test"), strict=True):
        for a, b in zip(one.utterances, two.utterances, strict=True):
            assert np.array_equal(a.features["audio"], b.features["audio"])
            assert (a.encoders, a.seen) == (b.encoders, b.seen)
    # Of the training conversations the encoder of all has seen the labels.
    assert seen_utterances(again, "train") == {"audio": 18}


@pytest.fixture
def recording_with_voices() -> Callable[[Path, int], Path]:
    """Writes three seconds of tones."""
    import wave

    pytest.importorskip("av")

    def build(path: Path, number: int) -> Path:
        random = np.random.default_rng(number)
        samples = np.concatenate([np.resize(sound((number + place) % 2, random), RATE) for place in range(3)])
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        return path

    return build
