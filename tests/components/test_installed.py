"""What installed packages offer is found without importing it, and imported when its name is used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossspace.balance import BALANCERS
from crossspace.cli.main import main
from crossspace.components import imported, load
from crossspace.components.installed import _offers
from crossspace.components.saved import class_of
from crossspace.errors import UsageError
from crossspace.models import MODELS

pytestmark = pytest.mark.usefixtures("only_the_box")
ENTRIES = """[crossspace.components]
model.mine = offered_mine:Mine
model.other = offered_mine:Mine
model.broken = offered_broken:Mine
balancer.wrong = offered_mine:Mine
balancer.pgm = offered_mine:Halves
"""
RIVAL = "[crossspace.components]\nmodel.twice = a:A\n"


@pytest.fixture
def installed(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with entry points, as pip leaves one."""
    write("offered_mine.py")
    write("offered_broken.py", "import no_such_module\n")
    for name in ("one", "two"):
        write(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        write(f"{name}-1.0.dist-info/entry_points.txt", RIVAL)
    write("offered-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: offered\nVersion: 1.5\n")
    write("offered-1.5.dist-info/entry_points.txt", ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    _offers.cache_clear()
    yield tmp_path
    _offers.cache_clear()
    sys.modules.pop("offered_mine", None)


def test_names_are_known_and_listed_and_nothing_is_imported(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"mine", "other", "css"} <= set(MODELS) and "wrong" in BALANCERS and "mine" not in MODELS.here
    assert main(["list", "models"]) == 0
    assert "(from offered 1.5, imported when it is used)" in " ".join(capsys.readouterr().out.split())
    assert main(["train", "--heds", "3"]) == 2  # suggestions look at arguments of all models
    assert "offered_mine" not in sys.modules and not imported()


def test_a_name_that_is_used_is_imported_and_says_where_it_is_from(installed: Path) -> None:
    assert MODELS["mine"].__module__ == "offered_mine" and "mine" in MODELS.here
    (origin,) = imported()
    assert origin.to_dict() == {
        "module": "offered_mine", "sha256": origin.digest, "distribution": "offered", "version": "1.5",
    }  # fmt: skip


def test_what_is_wrong_with_an_offer_is_told_with_its_package(installed: Path) -> None:
    with pytest.raises(UsageError, match=r"offered 1\.5 \(model\.broken = .* cannot be imported: ModuleNotFoundError"):
        MODELS["broken"]
    with pytest.raises(UsageError, match=r"Mine calls itself 'mine'; the two names should be one"):
        MODELS["other"]
    with pytest.raises(UsageError, match=r"should offer a balancer called 'wrong'. Found <class 'offered_mine\.Mine'>"):
        BALANCERS["wrong"]


def test_a_name_that_two_have_is_refused_where_it_is_used(
    installed: Path, write: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match=r"Two installed packages offer this name: (one|two) 1\.0 .* and (one|two) 1"):
        MODELS["twice"]
    assert BALANCERS["pgm"].__module__ == "crossspace.balance.pgm"
    assert main(["list", "balancers"]) == 0
    assert "(from offered 1.5, hidden by the one above)" in " ".join(capsys.readouterr().out.split())
    own = write("elsewhere.py", "from crossspace.models.css import CSS\nclass Mine(CSS):\n    name = 'mine'\n")
    with pytest.raises(UsageError, match=r"'mine' \(Mine\) has the name of another, which offered 1\.5 .* offers\."):
        load(own)
    assert load("offered_mine").Mine is MODELS["mine"]


def test_a_saved_model_does_not_import_what_is_installed(installed: Path) -> None:
    said = {"module": "offered_mine", "distribution": "offered", "version": "1.4", "sha256": ""}
    with pytest.raises(UsageError, match=r"in offered_mine of offered 1\.4, .* add --import offered_mine;"):
        class_of({"model": "mine", "source": said}, MODELS, Path("config.json"))
    assert "offered_mine" not in sys.modules
