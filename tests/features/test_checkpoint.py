from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from crossspace.errors import DataError
from crossspace.features.checkpoint import digest_of, load_checkpoint, short_name

transformers = pytest.importorskip("transformers")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    path = tmp_path / "tiny-bert"
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(path)
    (path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\n")
    (path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    return path


def test_a_network_comes_in_evaluation_mode_in_float32_and_without_gradients(folder: Path) -> None:
    network, tokenizer, digest = load_checkpoint(str(folder), "text")
    assert not network.training
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in network.parameters())
    assert tokenizer("a b")["input_ids"] == [2, 5, 6, 3]
    assert digest == digest_of(folder)


def test_half_precision_weights_are_computed_in_float32(folder: Path) -> None:
    half = {k: v.bfloat16() for k, v in load_file(folder / "model.safetensors").items()}
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    assert next(load_checkpoint(str(folder), "text").model.parameters()).dtype == torch.float32


def test_the_digest_follows_what_decides_the_numbers_and_nothing_else(folder: Path) -> None:
    before = digest_of(folder)
    (folder / "README.md").write_text("A card.")
    assert digest_of(folder) == before
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nc\nb\n")
    assert digest_of(folder) != before


def test_weights_that_are_pickled_are_not_read(folder: Path) -> None:
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match="they can run code"):
        load_checkpoint(str(folder), "text")


def test_weights_that_lack_a_part_are_refused_rather_than_filled_at_random(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop("encoder.layer.0.attention.self.query.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=r"Found none for 1 of them.*query"):
        load_checkpoint(str(folder), "text")


def test_code_that_a_folder_brings_along_is_never_run(folder: Path) -> None:
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        config.replace('"model_type": "bert"', '"model_type": "x", "auto_map": {"AutoConfig": "evil.Evil"}')
    )
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    with pytest.raises(DataError, match="should be a text network"):
        load_checkpoint(str(folder), "text")
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("damage", [b"", b"not weights", b"\xff" * 64])
def test_a_damaged_file_is_named(folder: Path, damage: bytes) -> None:
    (folder / "model.safetensors").write_bytes(damage)
    with pytest.raises(DataError, match="tiny-bert should be a text network"):
        load_checkpoint(str(folder), "text")


def test_a_name_that_is_neither_here_nor_to_be_fetched_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("offline.\nMore lines.")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(DataError, match=r"owner/name should be a folder.*Found: offline\. Check.*transformers:FOLDER"):
        load_checkpoint("owner/name", "text")
    with pytest.raises(DataError, match="there is no such folder"):
        load_checkpoint("some/longer/path", "text")


def test_a_name_of_a_hub_is_fetched_at_its_revision_and_gives_the_same_digest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(name: str, revision: str | None, allow_patterns: list[str], **_: object) -> str:
        asked.append((name, revision))
        assert not any("bin" in pattern or "py" in pattern for pattern in allow_patterns)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert load_checkpoint("owner/name@refs/pr/1", "text").digest == digest_of(folder)
    assert asked == [("owner/name", "refs/pr/1")]
    assert short_name("owner/name@refs/pr/1") == "owner/name@refs/pr/1"
    assert short_name(f"{folder}/") == "tiny-bert"
