"""A model goes to a hub and comes back, by the client that users have; what goes wrong there is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stand_in import OWNER, Hub

from crossspace import Corpus, Predictor
from crossspace.cli.main import main
from crossspace.errors import DataError, UsageError, WritingError
from crossspace.hub import HubName
from crossspace.publishing.push import push

NAME = "someone/mine"


@pytest.fixture
def pushed(hub: Hub, finished_run: Path) -> Hub:
    assert main(["push", str(finished_run), NAME]) == 0
    return hub


def files(hub: Hub, name: str = NAME, revision: str = "main") -> dict[str, bytes]:
    repository = hub.repositories[name]
    return repository.commits[repository.names[revision]]


@pytest.mark.parametrize("large", [1, 1 << 60], ids=["as large files", "as small files"])
def test_a_model_comes_back_as_it_went(
    hub: Hub, finished_run: Path, tiny_corpus: Corpus, large: int, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.large = large
    assert main(["push", str(finished_run), NAME, "--license", "apache-2.0"]) == 0
    assert f"{hub.address}/{NAME}/commit/" in capsys.readouterr().out
    assert set(files(hub)) == {"config.json", "model.safetensors", "README.md"}
    card = files(hub)["README.md"].decode()
    assert "license: apache-2.0" in card and f'from_pretrained("{NAME}")' in card
    before, after = Predictor.from_pretrained(finished_run), Predictor.from_pretrained(NAME)
    assert after.name == NAME and after.model.details == before.model.details
    np.testing.assert_array_equal(after.probabilities(tiny_corpus), before.probabilities(tiny_corpus))


def test_the_mixin_pushes_and_fetches_too(hub: Hub, finished_run: Path) -> None:
    from crossspace.models import MODELS

    model = Predictor.from_pretrained(finished_run).model
    assert model.push_to_hub(NAME).oid == hub.repositories[NAME].names["main"]
    assert b"library_name: crossspace" in files(hub)["README.md"]
    assert MODELS["css"].from_pretrained(NAME).arguments == model.arguments


def test_predictions_by_a_name_are_those_by_the_folder(
    pushed: Hub, finished_run: Path, corpus_file: Path, tmp_path: Path
) -> None:
    for source, target in ((NAME, "hub.csv"), (str(finished_run), "folder.csv")):
        assert main(["predict", source, str(corpus_file), "--out", str(tmp_path / target), "--quiet"]) == 0
    assert (tmp_path / "hub.csv").read_bytes() == (tmp_path / "folder.csv").read_bytes()


def test_the_environment_names_the_hub(pushed: Hub, corpus_file: Path, tmp_path: Path) -> None:
    given = {**os.environ, "HF_ENDPOINT": pushed.address, "HF_TOKEN": OWNER, "HF_HOME": str(tmp_path / "home")}
    words = [sys.executable, "-m", "crossspace", "predict", NAME, str(corpus_file)]
    found = subprocess.run(words, env=given, capture_output=True, text=True, check=False)
    assert found.returncode == 0 and f"Model: {NAME}" in found.stderr


def test_a_second_push_is_a_second_commit_and_the_first_stays(pushed: Hub, finished_run: Path) -> None:
    first = pushed.repositories[NAME].names["main"]
    assert main(["push", str(finished_run / "seed-0"), NAME]) == 0
    assert pushed.repositories[NAME].names["main"] != first
    assert Predictor.from_pretrained(NAME).model.details["seed"] == 0
    best = Predictor.from_pretrained(finished_run).model.details["seed"]
    assert Predictor.from_pretrained(f"{NAME}@{first}").model.details["seed"] == best


def test_a_private_repository_is_for_its_owner(
    hub: Hub, finished_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(finished_run), NAME, "--private"]) == 0
    assert hub.repositories[NAME].private
    for token, said in ((None, "does not know who asks"), ("hf_of_another", "no such repository, or it is private")):
        if token is None:
            monkeypatch.delenv("HF_TOKEN")
        else:
            monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(DataError, match=said):
            Predictor.from_pretrained(NAME)
    capsys.readouterr()
    assert main(["predict", NAME, "missing.parquet"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_token_nothing_is_pushed(
    hub: Hub, finished_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert main(["push", str(finished_run), NAME]) == 1
    assert "was not written" in (said := capsys.readouterr().err) and "hf auth login" in said
    monkeypatch.setenv("HF_TOKEN", "hf_of_another")
    assert main(["push", str(finished_run), NAME]) == 1
    assert "does not allow it with this token (401)" in capsys.readouterr().err
    assert not hub.repositories


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("someone/other", "no such repository"),
        (f"{NAME}@v9", "has no revision 'v9'"),
        (f"{NAME}@", "should be owner/name"),
    ],
)
def test_what_is_not_there_is_named(pushed: Hub, name: str, said: str) -> None:
    with pytest.raises((DataError, UsageError), match=said):
        Predictor.from_pretrained(name)


def test_a_repository_of_something_else_is_named(pushed: Hub) -> None:
    repository = pushed.repositories[NAME]
    repository.commits["empty"] = {"README.md": b"mine"}
    with pytest.raises(DataError, match=r"lacks a file of a crossspace model \(config\.json\)"):
        Predictor.from_pretrained(f"{NAME}@empty")
    other = json.dumps({"architectures": ["BertModel"]}).encode()
    repository.commits["bert"] = {"config.json": other, "model.safetensors": b"x"}
    with pytest.raises(DataError, match="the description of a saved crossspace model is expected"):
        Predictor.from_pretrained(f"{NAME}@bert")


def test_a_connection_that_ends_half_way_leaves_nothing_that_is_taken_for_a_model(
    pushed: Hub,
) -> None:
    pushed.cut = {"model.safetensors"}
    with pytest.raises(DataError, match=r"the connection to the hub .* failed"):
        Predictor.from_pretrained(NAME)
    pushed.cut = set()
    assert Predictor.from_pretrained(NAME).name == NAME


@pytest.mark.parametrize(
    ("damage", "said"),
    [(lambda x: x[:-8], "Found damage"), (lambda x: x[:-1] + bytes([x[-1] ^ 1]), "was changed or damaged")],
    ids=["short", "changed"],
)
def test_weights_that_are_damaged_on_the_hub_are_refused(
    pushed: Hub, damage: Callable[[bytes], bytes], said: str
) -> None:
    repository = pushed.repositories[NAME]
    tree = files(pushed)
    repository.commits["damaged"] = {**tree, "model.safetensors": damage(tree["model.safetensors"])}
    with pytest.raises(DataError, match=said):
        Predictor.from_pretrained(f"{NAME}@damaged")


def test_without_a_network_the_copy_in_the_cache_is_used(pushed: Hub, unreachable: Callable[[], None]) -> None:
    Predictor.from_pretrained(NAME)
    unreachable()
    assert Predictor.from_pretrained(NAME).name == NAME
    with pytest.raises(DataError, match="could not be reached, and no copy is in the cache"):
        Predictor.from_pretrained("someone/other")


def test_a_branch_that_does_not_exist_is_not_written(pushed: Hub, finished_run: Path) -> None:
    with pytest.raises(WritingError, match="no revision 'draft'"):
        push(Predictor.from_pretrained(finished_run), HubName(NAME, "draft"), "card")


def test_a_name_that_is_none_is_refused_before_anything_is_read(
    hub: Hub, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mine", "../mine", "./mine", "a..b/mine", "a/-mine", "a/mi--ne", "a/mine@", "a/b/mine"):
        assert main(["push", str(finished_run), name]) == 2
        assert "should be owner/name" in capsys.readouterr().err and not hub.asked


def test_an_exported_model_is_pushed_with_the_card_that_it_has(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    exported = Path(__file__).resolve().parents[1] / "fixtures" / "released" / "0.2.0" / "exported"
    for option in ("--license", "--run"):
        assert main(["push", str(exported), NAME, option, "other"]) == 2
        assert "Leave out --license and --run" in capsys.readouterr().err and not hub.asked
