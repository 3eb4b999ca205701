"""Which library multiplies: what was measured once on a machine holds for all its processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from crossspace.errors import UsageError
from crossspace.nn import kernels
from crossspace.nn.kernels import onednn_pays


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(kernels.CHOICE, raising=False)
    monkeypatch.setattr(kernels, "_KNOWN", True)
    onednn_pays.cache_clear()
    yield tmp_path / "cache" / "matrices"
    onednn_pays.cache_clear()


def test_the_operator_of_pytorch_is_the_one_that_is_called() -> None:
    """Fails where PyTorch has changed it: then the gain is lost until the call is adapted, and nothing else is."""
    assert kernels.is_known() or not torch.backends.mkldnn.is_available()


@pytest.mark.parametrize("schema", ["", "mkldnn::_linear_pointwise(Tensor X) -> Tensor Y"])
def test_another_operator_is_not_known(monkeypatch: pytest.MonkeyPatch, schema: str) -> None:
    monkeypatch.setattr(kernels, "_SCHEMA", schema)
    assert not kernels.is_known()


def test_an_operator_that_refuses_or_miscounts_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "onednn", lambda *args: torch.zeros(1, 1))
    assert not kernels.is_known()

    def refuse(*args: object) -> torch.Tensor:
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr(kernels, "onednn", refuse)
    assert not kernels.is_known()


def test_where_it_is_not_known_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_KNOWN", False)
    monkeypatch.setattr(kernels, "_measured", lambda: pytest.fail("measured"))
    assert not onednn_pays(2)


@pytest.mark.parametrize("found", ["onednn", "mkl"])
def test_what_was_measured_is_remembered(monkeypatch: pytest.MonkeyPatch, cache: Path, found: str) -> None:
    monkeypatch.setattr(kernels, "_measured", lambda: found)
    assert onednn_pays(2) == (found == "onednn")
    (file,) = cache.iterdir()
    assert "2 threads" in file.read_text()
    monkeypatch.setattr(kernels, "_measured", lambda: pytest.fail("measured twice"))
    onednn_pays.cache_clear()
    assert onednn_pays(2) == (found == "onednn")


def test_of_two_that_measure_at_once_one_is_believed_by_both(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def slower() -> str:
        # While this one measures, another process writes down what it found.
        monkeypatch.setattr(kernels, "_measured", lambda: "mkl")
        assert not kernels.onednn_pays.__wrapped__(2)
        return "onednn"

    monkeypatch.setattr(kernels, "_measured", slower)
    assert not onednn_pays(2)


@pytest.mark.parametrize("rule", [True, False])
def test_where_nothing_can_be_remembered_the_rule_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rule: bool
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(kernels, "_BY_RULE", rule)
    assert onednn_pays(2) == rule


def test_a_damaged_note_is_no_answer(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(kernels, "_measured", lambda: "mkl")
    monkeypatch.setattr(kernels, "_BY_RULE", True)
    onednn_pays(2)
    (file,) = cache.iterdir()
    file.write_bytes(b"\xff\x00")
    onednn_pays.cache_clear()
    assert onednn_pays(2)


def test_a_measurement_gives_one_of_the_two_and_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    assert kernels._measured() in ("onednn", "mkl")
    assert torch.equal(before, torch.get_rng_state())


def test_the_environment_decides_without_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_measured", lambda: pytest.fail("measured"))
    for choice in ("onednn", "mkl"):
        monkeypatch.setenv(kernels.CHOICE, choice)
        onednn_pays.cache_clear()
        assert onednn_pays(2) == (choice == "onednn")
    monkeypatch.setenv(kernels.CHOICE, "blas")
    onednn_pays.cache_clear()
    with pytest.raises(UsageError, match=r"CROSSSPACE_MATRICES should be 'onednn' or 'mkl'\. Found 'blas'"):
        onednn_pays(2)
