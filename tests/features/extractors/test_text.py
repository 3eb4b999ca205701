from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.errors import DataError, MissingExtraError, UsageError
from crossspace.features.checkpoint import load_checkpoint
from crossspace.features.extractors import Extractor, Missing, build
from crossspace.features.extractors.minilm import minilm_folder
from crossspace.features.text.tokens import ROWS, STEP, batches, first_tokens


@pytest.fixture(scope="module")
def minilm() -> Extractor:
    try:
        return build("text", "minilm")
    except MissingExtraError as error:
        pytest.skip(str(error))


def test_minilm_gives_384_numbers_of_length_one(minilm: Extractor) -> None:
    (vector,) = minilm.extract(["Hello there."])
    assert vector.shape == (384,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.usefixtures("minilm")
def test_the_last_layer_of_minilm_gives_the_numbers_that_sentence_transformers_gives() -> None:
    """Recorded from sentence-transformers 6.2 on the same weights."""
    (vector,) = build("text", "minilm,layer=6").extract(["I can't believe it!"])
    np.testing.assert_allclose(vector[:4], [-0.0554027, -0.0229833, 0.0511826, -0.0400096], atol=1e-6)


@pytest.mark.usefixtures("minilm")
@pytest.mark.parametrize("layer", [0, 3])
def test_a_layer_of_minilm_is_what_the_whole_network_has_there(layer: int) -> None:
    network, tokenizer, _ = load_checkpoint(str(minilm_folder()), "text")
    with torch.no_grad():
        states = network(**tokenizer("What a day!", return_tensors="pt"), output_hidden_states=True).hidden_states
    expected = states[layer][0].mean(0).numpy()
    (vector,) = build("text", f"minilm,layer={layer}").extract(["What a day!"])
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


@pytest.mark.parametrize("layer", [-1, 7])
def test_a_layer_that_minilm_has_not_is_refused(layer: int) -> None:
    with pytest.raises(UsageError, match=f"from 0 to 6. Found {layer}"):
        build("text", f"minilm,layer={layer}")


@pytest.mark.usefixtures("minilm")
def test_minilm_finds_meaning() -> None:
    texts = ["I am so happy today!", "What a joyful day.", "The tax form is due in April."]
    joy, glad, tax = build("text", "minilm,layer=6").extract(texts)
    assert joy @ glad > joy @ tax + 0.2


def test_minilm_reads_256_tokens(minilm: Extractor) -> None:
    text = "word " * 254
    short, long = minilm.extract([text, text + "and now something else entirely"])
    np.testing.assert_allclose(short, long, atol=1e-6)
    shorter, other = minilm.extract(["word " * 200, "word " * 200 + "and now something else entirely"])
    assert np.abs(shorter - other).max() > 1e-3


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_pooling_is_what_the_network_itself_gives(folders: dict[str, Path], pooling: str) -> None:
    network, tokenizer, _ = load_checkpoint(str(folders["text"]), "text")
    made = build("text", f"transformers:{folders['text']},pooling={pooling}")
    found = made.extract(["What?", "Not that long a text."])
    for text, vector in zip(["What?", "Not that long a text."], found, strict=True):
        with torch.no_grad():
            states = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        np.testing.assert_allclose(vector, (states[0] if pooling == "cls" else states.mean(0)).numpy(), atol=1e-5)


def test_a_layer_is_what_the_network_has_there(folders: dict[str, Path]) -> None:
    network, tokenizer, _ = load_checkpoint(str(folders["text"]), "text")
    with torch.no_grad():
        states = network(**tokenizer("What?", return_tensors="pt"), output_hidden_states=True).hidden_states
    (vector,) = build("text", f"transformers:{folders['text']},layer=1").extract(["What?"])
    np.testing.assert_allclose(vector, states[1][0, 0].numpy(), atol=1e-5)
    with pytest.raises(UsageError, match=f"'layer' of .* should be from -{len(states)} to {len(states) - 1}. Found 9"):
        build("text", f"transformers:{folders['text']},layer=9")


def test_a_long_text_is_cut_to_the_positions_of_the_network(folders: dict[str, Path]) -> None:
    made = build("text", f"transformers:{folders['text']}")
    long, longer = made.extract(["a" * 62, "a" * 62 + "b" * 500])
    np.testing.assert_allclose(long, longer, atol=1e-6)
    one_less = made.extract(["a" * 61])[0]
    assert np.abs(long - one_less).max() > 1e-6


def test_broken_characters_are_read_as_unknown_ones(minilm: Extractor) -> None:
    broken, empty = minilm.extract(["half a \ud83d face", "\u200b"])
    assert np.isfinite(broken).all()
    assert isinstance(empty, Missing) or np.isfinite(empty).all()


def test_a_network_that_sees_is_no_text_extractor(folders: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="should be a text network"):
        build("text", f"transformers:{folders['visual']}")


def test_a_vector_is_the_same_to_the_last_bit_in_any_company(folders: dict[str, Path]) -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abc def"), size)) + "." for size in rng.integers(1, 90, 60)]
    made = build("text", f"transformers:{folders['text']},pooling=mean")
    together = np.stack(made.extract(texts))
    for chosen in (rng.permutation(60), rng.permutation(60)[:7], [13], range(59, -1, -1)):
        assert np.array_equal(np.stack(made.extract([texts[row] for row in chosen])), together[list(chosen)])


def test_batches_hold_every_row_once_and_have_few_shapes() -> None:
    lengths = np.random.default_rng(0).integers(0, 300, 500).tolist()
    found = list(batches(lengths, 256))
    assert sorted(row for rows, _ in found for row in rows) == [r for r, n in enumerate(lengths) if n]
    assert all(0 < len(rows) <= ROWS for rows, _ in found)
    assert all(length == min(-(-lengths[row] // STEP) * STEP, 256) for rows, length in found for row in rows)


LONG = "The night was long and nobody, not even Mara, knew how it would end. " * 400
WORDS = (
    "x" * 3000,
    "\u4e16\u754c" * 9000,
    "a\n" * 9000,
    "\U0001f600" * 3000,
    " " * 30_000 + "at last",
    "w" * 30_000 + " z",
)


@pytest.mark.parametrize("text", [LONG, *WORDS])
def test_the_tokens_of_a_long_text_are_those_of_all_of_it_and_hardly_more_is_looked_at(
    minilm: Extractor, text: str
) -> None:
    network = minilm._network  # type: ignore[attr-defined]
    expected = network._tokenizer([text], truncation=True, max_length=network.limit)["input_ids"]
    assert first_tokens(network._tokenizer, [text, "short"], network.limit)[:1] == expected
    seen, tokenizer = [], network._tokenizer

    def counted(texts: list[str], **options: object) -> object:
        seen.extend(map(len, texts))
        return tokenizer(texts, **options)

    first_tokens(counted, [LONG * 100], network.limit)
    assert sum(seen) < 10_000


def test_a_text_is_overlong_where_it_has_more_tokens_than_are_read(minilm: Extractor) -> None:
    network = minilm._network  # type: ignore[attr-defined]
    words = ["word"] * (network.limit - 2)
    assert minilm.limit == 256
    assert not minilm.is_overlong(" ".join(words)) and minilm.is_overlong(" ".join([*words, "more"]))
    assert not minilm.is_overlong("w" * 10_000) and minilm.is_overlong(LONG) and not minilm.is_overlong("")
