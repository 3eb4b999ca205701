"""Tasks, batches, corpora and runs that tests of several folders share."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

# Before PyTorch is imported: workers side by side, each with a thread per processor, wait for each other at full speed.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow
import pytest
import torch
from filelock import FileLock
from hypothesis import settings

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.batching.batch import Batch
from crossspace.data.corpus import Corpus
from crossspace.data.importers.synthetic import Synthetic
from crossspace.data.task import UNLABELLED, TaskSpec

TINY_MODEL = {
    "name": "css",
    "width": 8,
    "heads": 2,
    "fusion": {"order": 2, "rank": 4},
    "dropout": 0.2,
    "standardise": True,
}
TINY_TRAINING = {"epochs": 3, "batch_size": 3, "learning_rate": 0.01, "warmup": 0.1, "schedule": "cosine"}


# The same examples in every run, for as long as they take: what fails, fails again, and nothing fails for being slow.
# HYPOTHESIS_PROFILE=search looks at others.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture(autouse=int(pyarrow.__version__.split(".")[0]) < 26)
def lists_with_nulls(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow 25 cannot read what it writes; tests that look into a corpus file by themselves get it read by us."""
    from crossspace.data.store.parquet import open_parquet, read_group

    theirs = pyarrow.parquet.read_table

    def read_table(path: Any, **options: Any) -> pyarrow.Table:
        try:
            return theirs(path, **options)
        except pyarrow.ArrowInvalid:
            file = open_parquet(Path(path))
            groups = range(file.metadata.num_row_groups)
            columns = options.get("columns") or file.schema_arrow.names
            return pyarrow.concat_tables(read_group(file, Path(path), group, columns) for group in groups)

    monkeypatch.setattr("pyarrow.parquet.read_table", read_table)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """A folder by name that is filled once for all test processes, by the first that asks for it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def filled(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                folder.mkdir(exist_ok=True)
                fill(folder)
                done.touch()
        return folder

    return filled


@pytest.fixture(scope="session")
def task() -> TaskSpec:
    return TaskSpec(("joy", "anger", "calm"), {"text": 6, "audio": 5, "visual": 4}, speakers=2)


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., Batch]:
    """Builds a random batch for a task; modalities are missing and labels unknown with the given probabilities."""

    def build(
        task: TaskSpec,
        lengths: Sequence[int],
        missing: float = 0.0,
        unlabelled: float = 0.0,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> Batch:
        random = torch.Generator().manual_seed(seed)
        rows = sum(lengths)
        present = {m: torch.rand(rows, generator=random) >= missing for m in task.widths}
        features = {
            m: torch.randn(rows, d, generator=random, dtype=dtype) * present[m].unsqueeze(1)
            for m, d in task.widths.items()
        }
        labels = torch.randint(len(task.labels), (rows,), generator=random)
        unknown = torch.rand(rows, generator=random) < unlabelled
        return Batch(
            features=features,
            present=present,
            lengths=torch.tensor(list(lengths), dtype=torch.long),
            speakers=torch.randint(task.speaker_slots, (rows,), generator=random),
            labels=torch.where(unknown, UNLABELLED, labels),
            sentiments=torch.where(unknown, UNLABELLED, labels % len(task.sentiments)),
            conversation_ids=tuple(f"c{i}" for i in range(len(lengths))),
        )

    return build


@pytest.fixture(scope="session")
def take() -> Callable[[Batch, Sequence[int]], Batch]:
    """Builds the batch of some conversations of a batch, in the given order."""

    def pick(batch: Batch, conversations: Sequence[int]) -> Batch:
        parts = torch.arange(len(batch)).split(batch.lengths.tolist())
        rows = torch.cat([parts[c] for c in conversations] or [torch.arange(0)])
        return Batch(
            features={m: x[rows] for m, x in batch.features.items()},
            present={m: p[rows] for m, p in batch.present.items()},
            lengths=batch.lengths[list(conversations)],
            speakers=batch.speakers[rows],
            labels=batch.labels[rows],
            sentiments=None if batch.sentiments is None else batch.sentiments[rows],
            conversation_ids=tuple(batch.conversation_ids[c] for c in conversations),
        )

    return pick


@pytest.fixture(scope="session")
def tiny_corpus() -> Corpus:
    """Seven conversations to train on, two to choose the epoch with, three to test on."""
    made = Synthetic(
        train=7, validation=2, test=3, shortest=2, longest=6, missing=0.1, widths={"text": 4, "audio": 3, "visual": 2}
    )
    return made.read()


@pytest.fixture(scope="session")
def corpus_file(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "tiny.parquet"
    tiny_corpus.write(path)
    return path


@pytest.fixture(scope="session")
def tiny_tree() -> dict[str, dict]:
    """A configuration that trains in a moment."""
    return {"model": dict(TINY_MODEL), "balancer": {"name": "pgm"}, "training": dict(TINY_TRAINING)}


@pytest.fixture(scope="session")
def finished_run(
    tiny_corpus: Corpus, corpus_file: Path, tiny_tree: dict[str, dict], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a run with two seeds; tests read it and leave it as it is."""
    from crossspace.configuration import make_configuration
    from crossspace.experiment import Run
    from crossspace.training.devices import Devices

    folder = tmp_path_factory.mktemp("finished") / "run"
    Run(make_configuration(tiny_tree), tiny_corpus, corpus_file, folder, [0, 1], Devices("cpu")).execute()
    return folder


@pytest.fixture
def only_the_box() -> Iterator[Callable[[], None]]:
    """What a test imports from outside is forgotten after it, and where it calls this."""
    from crossspace.components.registry import OUTSIDE

    before = dict(OUTSIDE)

    def forget() -> None:
        OUTSIDE.clear()
        OUTSIDE.update(before)

    yield forget
    forget()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium; what needs it is skipped where it is absent, but fails on a build server.

    Closed after each module, because its driver keeps an event loop that others cannot run theirs beside.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("Chromium is not installed (Debian: apt-get install chromium).")
    playwright = pytest.importorskip("playwright.sync_api")
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    options += [
        "--disable-background-networking",
        "--disable-component-update",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with playwright.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=chromium, args=options)


@pytest.fixture
def make_analysis() -> Callable[..., Analysis]:
    """Builds an analysis of two speakers who take turns of two seconds; what they say may be given."""

    def build(
        count: int = 4, timed: bool = True, texts: Sequence[str] = (), unsure_below: float | None = None
    ) -> Analysis:
        labels = ("neutral", "joy", "anger")
        utterances = []
        for place in range(count):
            scores = {label: 0.6 if at == place % 3 else 0.2 for at, label in enumerate(labels)}
            utterances.append(
                UtteranceAnalysis(
                    id=f"u{place}",
                    speaker=("Ann", "Ben")[place % 2],
                    start=place * 1.5 if timed else None,
                    end=place * 1.5 + 1.2 if timed else None,
                    text=texts[place] if place < len(texts) else f"words {place}",
                    label=labels[place % 3],
                    confidence=0.6,
                    probabilities=scores,
                    unimodal={"text": scores, "audio": {"neutral": 0.5, "joy": 0.3, "anger": 0.2}},
                    contributions={"text": 0.31, "audio": -0.08},
                    missing={"visual": "no face was seen"},
                )
            )
        model = {
            "name": "tiny",
            "kind": "css",
            "modalities": ["text", "audio", "visual"],
            "causal": False,
            "in_the_box": False,
        } | ({} if unsure_below is None else {"unsure_below": unsure_below})
        return Analysis("kitchen", labels, model, None, tuple(utterances), ("One empty cue was left out.",))

    return build


@pytest.fixture(scope="session")
def table() -> Callable[[str], list[list[float | str]]]:
    """Reads CSV; numbers become numbers, because JavaScript writes 1 where Python writes 1.0."""

    def number(cell: str) -> float | str:
        try:
            return float(cell)
        except ValueError:
            return cell

    return lambda text: [[number(cell) for cell in row] for row in csv.reader(io.StringIO(text))]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """``{modality: folder}`` of a random network and its processor, as ``save_pretrained`` writes them."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    root = tmp_path_factory.mktemp("networks")
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    hearing = transformers.WavLMConfig(
        **small, conv_dim=[8] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2
    )
    seeing = transformers.ViTConfig(**small, image_size=32, patch_size=16)
    parts = {
        "audio": (transformers.WavLMModel(hearing), transformers.Wav2Vec2FeatureExtractor(do_normalize=True)),
        "visual": (transformers.ViTModel(seeing), transformers.ViTImageProcessorPil(size={"height": 32, "width": 32})),
        "text": (transformers.RobertaModel(_reading(transformers, small)), _tokenizer(transformers)),
    }
    for modality, (network, processor) in parts.items():
        network.save_pretrained(root / f"tiny-{modality}")
        processor.save_pretrained(root / f"tiny-{modality}")
        (root / f"tiny-{modality}" / "LICENSE").write_text("CC0-1.0", encoding="utf-8")
    return {modality: root / f"tiny-{modality}" for modality in parts}


def _reading(transformers: Any, small: dict[str, int]) -> Any:
    return transformers.RobertaConfig(
        **small, vocab_size=261, max_position_embeddings=66, pad_token_id=1, bos_token_id=0, eos_token_id=2
    )


def _tokenizer(transformers: Any) -> Any:
    """Every byte is a token."""
    tokenizers = pytest.importorskip("tokenizers")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *letters])}
    inner = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, [], unk_token="<unk>"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.post_processor = tokenizers.processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), special, strict=True))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=inner, cls_token="<s>", sep_token="</s>", **names)
