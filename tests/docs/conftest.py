"""What the pages of the documentation speak of, made once, and small."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs" / "_ext"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs that pages take for given, and a trained model in ``runs/mosi``."""
    from crossspace.cli.main import main
    from crossspace.data.importers.arrays import Arrays

    folder = tmp_path_factory.mktemp("prepared")
    _save_mosi(folder / "mosi_utt_features.npz")
    _save_iemocap(folder / "iemocap_multimodal_features.pkl")
    sizes = ("--train", "24", "--validation", "6", "--test", "8")
    assert main(["data", "synthesize", str(folder / "corpus.parquet"), *sizes]) == 0
    importer = Arrays(
        columns={"conversation_id": "video", "position": "utt", "text": "text_raw", "label": "label", "split": "split"},
        features={"text": "text", "audio": "audio", "visual": "video_feat"},
        labels=["negative", "positive"],
    )
    importer.read(folder / "mosi_utt_features.npz").write(folder / "mosi.parquet")
    small = ("--training.epochs", "1", "--model.width", "16", "--model.heads", "4", "--quiet")
    words = ["train", "--data", str(folder / "mosi.parquet"), "--out", str(folder / "runs/mosi"), *small]
    assert main(words) == 0
    return folder


def _save_mosi(path: Path) -> None:
    """Random features with the names and types of CMU-MOSI's."""
    rng = np.random.default_rng(0)
    videos = [(f"video{k:02d}", "train" if k < 9 else "test", int(rng.integers(2, 6))) for k in range(13)]
    rows = [(video, split, utterance) for video, split, count in videos for utterance in range(1, count + 1)]
    np.savez(
        path,
        split=np.array([split for _, split, _ in rows]),
        video=np.array([video for video, _, _ in rows]),
        utt=np.array([utterance for *_, utterance in rows]),
        utt_id=np.array([f"{video}_{utterance}" for video, _, utterance in rows]),
        text_raw=np.array([f"SENTENCE {utterance}" for *_, utterance in rows]),
        label=np.arange(len(rows)) % 2,
        text=rng.normal(size=(len(rows), 4)).astype(np.float32),
        audio=rng.normal(size=(len(rows), 3)).astype(np.float32),
        video_feat=rng.normal(size=(len(rows), 2)).astype(np.float32),
    )


def _save_iemocap(path: Path) -> None:
    """Random features in the layout of IEMOCAP's pickle: a tuple of twelve."""
    rng = np.random.default_rng(0)
    lengths = {f"Ses{k:02d}_impro": int(rng.integers(4, 9)) for k in range(12)}

    def vectors(width: int) -> dict[str, list[np.ndarray]]:
        return {name: list(rng.normal(size=(count, width))) for name, count in lengths.items()}

    tables = (
        {name: [f"{name}_{i}" for i in range(count)] for name, count in lengths.items()},
        {name: ["MF"[i % 2] for i in range(count)] for name, count in lengths.items()},
        {name: [i % 6 for i in range(count)] for name, count in lengths.items()},
        *(vectors(6) for _ in range(4)),
        vectors(5),
        vectors(3),
        {name: [f"sentence {i}" for i in range(count)] for name, count in lengths.items()},
    )
    names = list(lengths)
    path.write_bytes(pickle.dumps((*tables, set(names[:9]), set(names[9:])), protocol=2))
