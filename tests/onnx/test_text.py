"""The encoder of texts is exported with the model: its vectors are those of PyTorch, and what does not fit is named."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))
from small import small

from crossspace import Analyzer, Predictor, TaskSpec, Utterance
from crossspace.cli.main import main
from crossspace.digests import write_sums
from crossspace.errors import CrossspaceError, DataError, MismatchError, UnsuitableError
from crossspace.features.extractors import Missing, build
from crossspace.features.extractors.base import TextExtractor
from crossspace.models import MODELS
from crossspace.onnx import ExportedPredictor, text_export
from crossspace.onnx.description import Description
from crossspace.onnx.export import export
from crossspace.onnx.text import ExportedText
from crossspace.onnx.text_export import TOLERANCE, export_text, read_items

pytest.importorskip("transformers")
pytestmark = pytest.mark.xdist_group("onnx")
FILES = ["exported.json", "model.onnx", "text.onnx", "tokenizer.json"]
TALK = "Ann: I got the job!\nBen: No way. \u4f60\u597d\nAnn: " + "Really, it is so. " * 40 + "\nCid: mm\n"


def random_texts(count: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    letters = list("abc defg, hijk. \u00e9\u4f60\u0451\U0001f600\n'")
    return ["".join(random.choice(letters, int(size))) + "!" for size in random.integers(1, 300, count)]


def wanted(kind: str, folders: dict[str, Path], tuned: Path) -> str:
    return {
        "cls": f"transformers:{folders['text']}",
        "mean of a layer": f"transformers:{folders['text']},pooling=mean,layer=1",
        "minilm": "minilm,layer=1",
        "states": f"finetuned:{tuned}",
        "both, mean of the folds": f"finetuned:{tuned},output=both,encoder=folds",
    }[kind]


@pytest.mark.parametrize("kind", ["cls", "mean of a layer", "minilm", "states", "both, mean of the folds"])
def test_vectors_of_texts_that_were_not_compared_are_those_of_pytorch(
    kind: str, folders: dict[str, Path], tuned: Path, tmp_path: Path
) -> None:
    extractor = build("text", wanted(kind, folders, tuned))
    assert isinstance(extractor, TextExtractor)
    found = export_text(extractor, tmp_path)
    assert found.difference <= TOLERANCE and found.checked >= 30
    exported = ExportedText(tmp_path, found)
    same = ("width", "limit", "earlier", "later")
    assert [getattr(exported, name) for name in same] == [getattr(extractor, name) for name in same]
    texts = random_texts(40, 1)
    items = read_items(extractor, texts)
    for one, other in zip(extractor.extract(items), exported.extract(items), strict=True):
        assert isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and other.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=TOLERANCE)
    assert [exported.is_overlong(t) for t in texts] == [extractor.is_overlong(t) for t in texts]
    assert len({exported.is_overlong(t) for t in texts}) == 2 or kind == "minilm"
    # The company of a text changes nothing, to the last bit.
    together = exported.extract(items)
    for item, one in zip(items[:9], together, strict=False):
        assert np.array_equal(exported.extract([item])[0], one)


@pytest.fixture(scope="module")
def extractor(folders: dict[str, Path]) -> TextExtractor:
    built = build("text", f"transformers:{folders['text']},pooling=mean")
    assert isinstance(built, TextExtractor)
    return built


@pytest.fixture(scope="module")
def model(extractor: TextExtractor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads texts, as a folder."""
    torch.manual_seed(0)
    made = small(MODELS["css"], TaskSpec(("joy", "anger", "calm"), {"text": extractor.width}, speakers=2))
    made.details = {"extractors": {"text": extractor.identity}, "language": "en"}
    folder = tmp_path_factory.mktemp("reads-texts") / "model"
    folder.mkdir()
    made.save(folder)
    return folder


@pytest.fixture(scope="module")
def texted(model: Path, extractor: TextExtractor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as ONNX with its encoder; tests read it and leave it as it is."""
    folder = tmp_path_factory.mktemp("texted") / "model"
    export(Predictor.from_pretrained(model), folder, card="# A card\n", text=extractor)
    return folder


@pytest.fixture
def copy(texted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(texted, tmp_path / "copy"))


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    (tmp_path / "talk.txt").write_text(TALK)
    return tmp_path / "talk.txt"


def test_an_analysis_is_that_of_pytorch(texted: Path, model: Path, folders: dict[str, Path], talk: Path) -> None:
    with_torch = Analyzer.load(model, {"text": f"transformers:{folders['text']},pooling=mean"}).analyze(None, talk)
    without = Analyzer.load(texted).analyze(None, talk)
    assert (without.labels, without.speakers) == (with_torch.labels, with_torch.speakers)
    assert any("was not read" in note for note in without.notes)
    assert [n.partition("odel")[2] for n in without.notes] == [n.partition("odel")[2] for n in with_torch.notes]
    for one, other in zip(without.utterances, with_torch.utterances, strict=True):
        assert (one.text, one.label, one.missing) == (other.text, other.label, other.missing)
        for key in ("probabilities", "contributions"):
            assert getattr(one, key) == pytest.approx(getattr(other, key), abs=1e-5)


def test_the_command_writes_the_table_of_pytorch(
    texted: Path, model: Path, folders: dict[str, Path], talk: Path, tmp_path: Path
) -> None:
    reading = ["--text", f"transformers:{folders['text']},pooling=mean"]
    assert main(["export", str(model), "--out", str(tmp_path / "by-command"), *reading]) == 0
    for name, words in (("without", [str(tmp_path / "by-command")]), ("with", [str(model), *reading])):
        assert main(["analyze", str(talk), "--out", str(tmp_path / f"{name}.csv"), "--model", *words]) == 0
    one, other = (list(csv.DictReader((tmp_path / f"{n}.csv").open(encoding="utf-8"))) for n in ("without", "with"))
    assert len(one) == len(other) == 4
    for mine, theirs in zip(one, other, strict=True):
        assert mine.keys() == theirs.keys()
        for key in mine:
            try:
                assert float(mine[key]) == pytest.approx(float(theirs[key]), abs=1e-5)
            except ValueError:
                assert mine[key] == theirs[key]


def test_the_description_says_what_was_compared(texted: Path) -> None:
    found = Description.read(texted / "exported.json")
    assert found.text_encoder is not None and found.text_encoder.difference <= TOLERANCE
    assert found.text() == (texted / "exported.json").read_text(encoding="utf-8")
    assert "tokenizers>=" in (texted / "requirements.txt").read_text()
    listed = (texted / "SHA256SUMS").read_text().split()
    assert listed[1::2] == FILES
    assert str(Path(torch.__file__).parents[1]).encode() not in (texted / "text.onnx").read_bytes()


def test_what_cannot_be_exported_is_named_and_features_are_read_as_before(
    model: Path, extractor: TextExtractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsuitable(self: object) -> None:
        raise UnsuitableError("it is made of words")

    monkeypatch.setattr(type(extractor), "exportable", unsuitable)
    notes: list[str] = []
    found = export(Predictor.from_pretrained(model), tmp_path / "out", text=extractor, notes=notes)
    assert notes == ["The text extractor 'transformers' was not exported: it is made of words."]
    assert found.text_encoder is None and not (tmp_path / "out" / "text.onnx").exists()
    assert "tokenizers" not in (tmp_path / "out" / "requirements.txt").read_text()
    assert ExportedPredictor.from_pretrained(tmp_path / "out").text_extractor() is None


def test_an_extractor_that_is_not_found_is_told_and_one_that_was_named_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(model), "--out", str(tmp_path / "named"), "--text", "transformers:nowhere"]) == 1
    assert not (tmp_path / "named").exists() and main(["export", str(model), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert "Note: The encoder of texts was not exported. The text features were made by transformers" in said
    assert not (tmp_path / "out" / "text.onnx").exists()
    assert main(["export", str(model), "--out", "x", "--no-text", "--text", "minilm"]) == 2


def test_an_extractor_that_the_model_was_not_trained_on_is_refused(model: Path, tmp_path: Path) -> None:
    other = build("text", "minilm")
    assert isinstance(other, TextExtractor)
    with pytest.raises(MismatchError, match=r"was trained on text features of transformers .* Found minilm"):
        export(Predictor.from_pretrained(model), tmp_path / "out", text=other)
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_says_something_else_is_not_written(
    model: Path, extractor: TextExtractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_export, "TOLERANCE", 1e-12)
    with pytest.raises(CrossspaceError, match=r"should agree to 1e-12 in every number.*--no-text"):
        export(Predictor.from_pretrained(model), tmp_path / "out", text=extractor)
    assert not list(tmp_path.iterdir())


def test_a_live_conversation_is_that_of_pytorch(texted: Path, model: Path, folders: dict[str, Path]) -> None:
    with_torch = Analyzer.load(model, {"text": f"transformers:{folders['text']},pooling=mean"}).stream()
    without = Analyzer.load(texted).stream()
    for number, line in enumerate(TALK.splitlines()):
        speaker, _, text = line.partition(": ")
        said = Utterance(f"u{number}", speaker, text=text)
        one, other = without.push(said), with_torch.push(said)
        assert (one.label, one.missing) == (other.label, other.missing)
        for key in ("probabilities", "contributions"):
            assert getattr(one, key) == pytest.approx(getattr(other, key), abs=1e-5)


@pytest.mark.parametrize("name", ["text.onnx", "tokenizer.json"])
def test_a_missing_or_changed_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    with pytest.raises(DataError, match=f"{name} was changed or damaged"):
        ExportedPredictor.from_pretrained(copy)
    (copy / name).unlink()
    with pytest.raises(DataError, match=f"{name} is missing"):
        ExportedPredictor.from_pretrained(copy)


def loaded(folder: Path) -> ExportedText | None:
    """What somebody has changed on purpose, and signed."""
    write_sums(folder, FILES)
    return ExportedPredictor.from_pretrained(folder).text_extractor()


def changed(folder: Path, change: Callable[[dict], None], name: str = "exported.json") -> None:
    stated = json.loads((folder / name).read_text(encoding="utf-8"))
    change(stated)
    (folder / name).write_text(json.dumps(stated), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x["text_encoder"].update(width=7),
        lambda x: x["text_encoder"]["settings"].update(limit=1 << 40),
        lambda x: x["text_encoder"]["settings"].update(limit=True),
        lambda x: x["text_encoder"]["settings"].update(first=-1),
        lambda x: x["text_encoder"]["settings"].update(pooling="max"),
        lambda x: x["text_encoder"]["settings"].update(more=1),
        lambda x: x["text_encoder"].pop("settings"),
        lambda x: x.update(text_encoder=[]),
        lambda x: x.update(details={"calibration": {"temperature": 1}}),
    ],
)
def test_a_description_of_no_encoder_is_refused(copy: Path, change: Callable[[dict], None]) -> None:
    changed(copy, change)
    with pytest.raises(DataError, match=r"exported\.json: the description .* is expected"):
        loaded(copy)


def test_an_encoder_of_another_width_or_of_other_tokens_is_refused(copy: Path, minilm_file: Path) -> None:
    shutil.copy(minilm_file / "text.onnx", copy)
    with pytest.raises(DataError, match=r"text\.onnx should give .* it is another encoder"):
        loaded(copy)
    shutil.copy(copy / "model.onnx", copy / "text.onnx")
    with pytest.raises(DataError, match=r"text\.onnx should read ids, mask, weights"):
        loaded(copy)


def test_a_tokenizer_of_another_vocabulary_is_refused(copy: Path, minilm_file: Path) -> None:
    shutil.copy(minilm_file / "tokenizer.json", copy)
    with pytest.raises(DataError, match=r"text\.onnx: an encoder that reads the tokens of tokenizer\.json"):
        loaded(copy)


@pytest.fixture(scope="module")
def minilm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another encoder and its tokenizer."""
    folder = tmp_path_factory.mktemp("minilm")
    built = build("text", "minilm,layer=0")
    assert isinstance(built, TextExtractor)
    export_text(built, folder)
    return folder


@pytest.mark.parametrize("content", ["", "null", "[" * 100_000, '{"model":' * 100_000, "{}", '{"version": "1.0"}'])
def test_a_file_that_is_no_tokenizer_is_refused(copy: Path, content: str) -> None:
    (copy / "tokenizer.json").write_text(content)
    with pytest.raises(DataError, match=r"tokenizer\.json: a tokenizer is expected"):
        loaded(copy)


def test_a_tokenizer_that_fails_at_a_text_is_refused(copy: Path) -> None:
    def never_ends(x: dict) -> None:
        x["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}

    changed(copy, never_ends, "tokenizer.json")
    found = loaded(copy)
    assert found is not None
    for ask in (found.extract, lambda items: found.is_overlong(items[0])):
        with pytest.raises(DataError, match=r"tokenizer\.json: the tokenizer of the encoder is expected.*fails"):
            ask(["a" * 2000 + "!"])


def test_a_tokenizer_larger_than_any_is_not_read(copy: Path) -> None:
    with (copy / "tokenizer.json").open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(DataError, match="more than 100,000,000 bytes"):
        loaded(copy)


@pytest.mark.parametrize("name", ["text.onnx", "model.onnx"])
def test_weights_in_other_files_are_refused_whatever_file_they_name(copy: Path, name: str) -> None:
    import onnx

    network = onnx.load(str(copy / name))
    onnx.save(network, str(copy / name), save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(DataError, match="keeps weights in other files"):
        loaded(copy)
    # A number may be written in more bytes than it takes.
    content = (copy / name).read_bytes()
    for longer in (b"\x8a\x00\x88\x80\x00", b"\x8a\x80\x80\x80\x10\x08"):
        (copy / name).write_bytes(content.replace(b"\x0a\x08location", longer + b"location"))
        with pytest.raises(DataError, match="keeps weights in other files"):
            loaded(copy)


def test_what_is_not_finite_is_missing_and_no_answer(copy: Path) -> None:
    import onnx

    network = onnx.load(str(copy / "text.onnx"))
    for weight in network.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) == 2:
            values = onnx.numpy_helper.to_array(weight) * np.float32("nan")
            weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(network, str(copy / "text.onnx"))
    found = loaded(copy)
    assert found is not None and found.extract(["a"]) == [Missing("no readable text")]


def test_the_card_of_the_folder_goes_with_its_analyses(texted: Path, talk: Path, tmp_path: Path) -> None:
    assert Analyzer.load(texted).card == "# A card\n"
