"""Code of a user's own is imported when it is named, and what is wrong with it is told in a sentence."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crossspace.balance import BALANCERS
from crossspace.components import imported, load, load_again, needed, recorded, register
from crossspace.components.faults import own_faults_told
from crossspace.data.importers import find
from crossspace.errors import UsageError
from crossspace.models import MODELS, Model
from crossspace.nn.fusion import FUSIONS
from crossspace.objectives import OBJECTIVES

pytestmark = pytest.mark.usefixtures("only_the_box")
Write = Callable[..., Path]


def test_a_file_brings_components_of_several_kinds(write: Write) -> None:
    module = load(write("mine.py"))
    assert MODELS["mine"] is module.Mine and BALANCERS["halves"] is module.Halves
    assert OBJECTIVES["doubled"] is module.Doubled and "mine" in list(MODELS)
    (origin,) = imported()
    assert origin.to_dict() == {"module": "mine", "file": "mine.py", "sha256": origin.digest}


def test_two_files_of_one_name_do_not_collide_and_keep_their_names_in_every_process(write: Write) -> None:
    one = write("a/mine.py")
    text = one.read_text()
    new = {
        "mine": "other",
        "halves": "thirds",
        "doubled": "tripled",
        "lengths": "widths",
        "turning": "bend",
        "calm": "rest",
    }
    for name, other in new.items():
        text = text.replace(f'"{name}"', f'"{other}"')
    two = write("b/mine.py", text)
    first, second = load(one), load(two)
    assert first.__name__ != second.__name__ and MODELS["mine"] is first.Mine and MODELS["other"] is second.Mine
    stored = pickle.dumps((imported(), first.Mine))
    code = (
        "import pickle, sys; from crossspace.components import load_again\n"
        f"stored = {stored!r}\n"
        f"import crossspace.components.imports as i; i.load({str(two)!r}); i.load({str(one)!r})\n"
        "origins, kind = pickle.loads(stored); load_again(origins); print(kind.name)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "mine\n"


def test_a_file_that_was_changed_is_imported_anew_and_its_old_components_are_gone(write: Write) -> None:
    path = write("mine.py")
    first = load(path)
    assert load(path) is first
    path.write_text(path.read_text().replace('"halves"', '"thirds"'))
    assert load(path) is not first and "thirds" in BALANCERS and "halves" not in BALANCERS


def test_a_process_that_finds_the_file_changed_says_so(write: Write) -> None:
    path = write("mine.py")
    load(path)
    before = imported()
    path.write_text(path.read_text() + "\n# changed\n")
    with pytest.raises(UsageError, match=r"mine\.py was changed after the command had begun"):
        load_again(before)


def test_a_module_is_looked_for_in_the_current_folder_last(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("package_of_mine/__init__.py", "from package_of_mine.model import Mine\n")
    write("package_of_mine/model.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    load("package_of_mine")
    assert sys.path[-1] == str(tmp_path) and MODELS["mine"].__module__ == "package_of_mine.model"
    assert [origin.module for origin in imported()] == ["package_of_mine"]
    for name in [name for name in sys.modules if name.startswith("package_of_mine")]:
        del sys.modules[name]


WRONG = {
    "fails.py": (
        "import json\n\njson.loads('{')\n",
        r"fails\.py, line 3: importing it failed with JSONDecodeError: Exp",
    ),
    "ends.py": ("raise SystemExit\n", r"ends\.py, line 1: importing it failed with SystemExit: no message"),
    "odd.py": ("x = 1\ny = = 2\n", r"odd\.py, line 2: importing it failed with SyntaxError: invalid syntax"),
    "empty.py": ("x = 1\n", r"empty\.py should define a model, .* Found none\."),
    "asks.py": ("import beside_it\n", r"No module named 'beside_it'.*a module does: go to .* and add --import asks"),
    "nameless.py": (
        "from crossspace import Model\nclass Half(Model):\n    citation = 'x'\n    def encode(self, batch): ...\n",
        r"Found none\. Half lacks decode, name\.",
    ),
    "unfinished.py": (
        "from crossspace import Model\nclass Half(Model):\n    name = 'half'\n    def encode(self, batch): ...\n",
        r"unfinished\.py: the model 'half' \(Half\) is not finished\. It lacks decode, citation\.",
    ),
    "named.py": (
        "from crossspace.models.css import CSS\nclass Better(CSS):\n    pass\n",
        r"the model 'css' \(Better\) has the name of another, CSS in crossspace\.models\.css\.model\. Give it a `name`",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_file_is_told_and_nothing_of_it_stays(write: Write, name: str) -> None:
    write("beside_it.py", "x = 1\n")
    text, said = WRONG[name]
    before = set(sys.modules)  # other tests may have imported files of the same name
    with pytest.raises(UsageError, match=said):
        load(write(name, text))
    assert not imported() and not [m for m in set(sys.modules) - before if m.startswith("outside_")]


def test_two_files_with_one_name_are_both_named(write: Write) -> None:
    load(write("a/mine.py"))
    with pytest.raises(UsageError, match=r"b/mine\.py: .*'lengths' .* another, Lengths in .*a/mine\.py\."):
        load(write("b/mine.py"))
    assert [str(origin.file)[-9:] for origin in imported()] == ["a/mine.py"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("nowhere.py", r"nowhere\.py should be a Python file, ending in \.py\. Found nothing"),
        ("folder/", "Found a folder"),
        ("no_such_module_at_all", "There is no module 'no_such_module_at_all', neither installed nor in this folder"),
        ("not a name", "Found 'not a name'"),
    ],
)
def test_what_is_not_there_is_told(code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=said):
        load(code)


def test_an_importer_is_called_like_its_file_or_as_it_says(write: Write) -> None:
    text = """
    from crossspace.data.importers.base import Importer

    class Lines(Importer):
        \"\"\"Lines.\"\"\"
        def read(self, source): ...
    """
    assert load(write("lines.py", text)).Lines is find("lines")
    spoken = text.replace("def read", 'format = "spoken"\n        def read')
    assert load(write("other.py", spoken)).Lines is find("spoken")


def test_a_fusion_becomes_a_choice_of_models_that_take_one(write: Write) -> None:
    from crossspace.configuration import make_configuration

    load(
        write(
            "fusions.py",
            """
            from crossspace.nn.fusion.concatenation import Concatenation

            class Mine(Concatenation):
                \"\"\"Mine.\"\"\"
                name, citation = "mine", "unpublished"
            """,
        )
    )
    assert make_configuration({"model": {"name": "css", "fusion": "mine"}}).model["fusion"]["name"] == "mine"
    assert "mine" in FUSIONS


def test_a_class_that_is_there_can_be_registered(write: Write) -> None:
    class Here(load(write("mine.py")).Mine):  # type: ignore[misc]
        name = "here"

    assert register(Here) is Here is MODELS["here"]
    with pytest.raises(UsageError, match="It derives from none of their base classes"):
        register(int)
    with pytest.raises(UsageError, match="It lacks decode, encode, name, citation"):
        register(type("Bare", (Model,), {"__module__": __name__}))


def test_a_configuration_says_how_its_code_is_named_again(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only_the_box: Callable[[], None]
) -> None:
    load(write("code/mine.py"))
    said = recorded(imported(), tmp_path / "runs" / "one")["imports"]
    assert said[0]["file"] == "../../code/mine.py" and needed(said, tmp_path / "runs" / "one") == ""
    only_the_box()
    monkeypatch.chdir(tmp_path / "code")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    assert needed(said, tmp_path / "runs" / "one").endswith("If you trust it, add --import mine.py")
    assert needed([{"file": "x\x1b[2J.py"}, {"module": "; rm"}, 3], tmp_path) == "" == needed("odd", tmp_path)


@pytest.mark.parametrize("raised", ["GeneratorExit", "type('Odd', (BaseException,), {})('odd')", "SystemExit(0)"])
def test_whatever_ends_an_import_is_told_with_its_line(write: Write, raised: str) -> None:
    with pytest.raises(UsageError, match=r"ending.py, line 2: importing it failed with"):
        load(write("ending.py", f"\nraise {raised}\n"))


@pytest.mark.parametrize("name", ["a b", "../up", "a\nb", "\x1b[31m", "\ud800", "x" * 65, "null", "true", "7", "--x"])
def test_a_name_that_cannot_be_typed_or_written_is_refused(write: Write, name: str) -> None:
    text = write("mine.py").read_text().replace('"halves"', ascii(name))
    with pytest.raises(UsageError, match="a name should be a word of at most 64") as told:
        load(write("mine.py", text))
    assert len(str(told.value)) < 1000 and str(told.value).isprintable()


@pytest.mark.parametrize("name", ["7", "None", "['halves']", "property(str)"])
def test_a_name_that_is_no_text_is_refused(write: Write, name: str) -> None:
    text = write("mine.py").read_text().replace('"halves"', name)
    with pytest.raises(UsageError, match="the `name` of Halves should be text"):
        load(write("mine.py", text))


@pytest.mark.parametrize("raised", ["KeyError('lost')", "SystemExit(0)", "BrokenPipeError()"])
def test_code_of_ones_own_that_fails_while_it_runs_is_told_with_its_line(write: Write, raised: str) -> None:
    text = write("mine.py").read_text() + f"\n\ndef fail():\n    raise {raised}\n"
    module = load(write("mine.py", text))
    with pytest.raises(UsageError, match=r"mine.py, line \d+: `fail` failed with"), own_faults_told():
        module.fail()
    with pytest.raises(ZeroDivisionError), own_faults_told():  # ours is ours
        1 / 0  # noqa: B018
