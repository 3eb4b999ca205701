"""Pretrained networks of the Hugging Face family, from a folder or a hub, without a line of foreign code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from crossspace.errors import DataError, UsageError
from crossspace.reading import reading
from crossspace.runtime import optional_import

Kind = Literal["text", "audio", "visual"]

_FILES = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
)
"""What decides the numbers, and so what is fetched, loaded and digested."""

_UNUSED = ("pooler", "masked_spec_embed", "mask_token", "lm_head", "position_ids")
"""Weights that no feature depends on: a checkpoint may lack them."""

_PROCESSORS = {"text": "AutoTokenizer", "audio": "AutoFeatureExtractor", "visual": "AutoImageProcessor"}


class Checkpoint(NamedTuple):
    """A network in evaluation mode, on the CPU, in float32; what prepares its input; and what they are made of.

    Attributes:
        model: as ``AutoModel`` builds it.
        processor: the tokenizer, the feature extractor or the image processor.
        digest: ``sha256:`` and 16 hexadecimal digits over configuration, weights and the files of the processor.
    """

    model: Any
    processor: Any
    digest: str


def load_checkpoint(model: str, kind: Kind, layers: int | None = None) -> Checkpoint:
    """Load a network and its processor.

    Args:
        model: a folder, or the name of a model on a hub, ``OWNER/NAME``, with ``@REVISION`` after it where it is not
            the newest that is wanted. A folder is tried first. Weights are read from safetensors and nothing else.
        kind: what the network reads.
        layers: of it that are built, the first ones; all of them if none.

    Raises:
        UsageError: it has fewer.
        DataError: there is no such model, or it cannot be used; the message says what to do.
        MissingExtraError: ``transformers`` is not installed.
    """
    transformers = optional_import("transformers", "text")
    folder = Path(model) if Path(model).is_dir() else _fetched(model)
    if not list(folder.glob("model*.safetensors")):
        raise DataError(
            f"{model} should hold weights as model.safetensors. Found none; pickled weights are not read, because "
            "they can run code. Name a revision that has them (OWNER/NAME@REVISION, such as @refs/pr/1 where the "
            "hub's converter proposed them), or save the model once by save_pretrained and pass that folder."
        )
    import torch

    auto = getattr(transformers, _PROCESSORS[kind])
    # The folder is there by now: whatever else the library would fetch, or run from it, is not ours to allow.
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    # Pillow alone, since the faster backend needs torchvision and resizes to other numbers.
    options = {"backend": "pil"} if kind == "visual" else {}
    fewer = {} if layers is None else {"num_hidden_layers": _checked_layers(folder, model, layers)}
    try:
        with _quiet(transformers):
            network, report = transformers.AutoModel.from_pretrained(
                folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **fewer, **safe
            )
            processor = auto.from_pretrained(folder, **safe, **options)
    except Exception as error:  # whatever a damaged file makes the library raise
        raise DataError(
            f"{model} should be a {kind} network that transformers can load. Found: {_first_line(error)} "
            "Pass a folder that save_pretrained wrote, with the files of its tokenizer or preprocessor."
        ) from error
    # The library fills them with random numbers and only warns; the features would differ from run to run.
    absent = sorted(key for key in report["missing_keys"] if not any(part in key for part in _UNUSED))
    absent += sorted(str(key) for key in report["mismatched_keys"])
    if absent:
        raise DataError(
            f"{model} should hold all weights of its network. Found none for {len(absent)} of them, such as "
            f"{absent[0]!r}. Pass a complete checkpoint."
        )
    return Checkpoint(network.eval().requires_grad_(False), processor, digest_of(folder))


def check_layer(checkpoint: Checkpoint, model: str, layer: int) -> None:
    """Whether the network has a layer of this number: 0 is what enters the first layer, -1 what leaves the last.

    Raises:
        UsageError: it has none.
    """
    layers = int(getattr(checkpoint.model.config, "num_hidden_layers", 0))
    if not -layers - 1 <= layer <= layers:
        raise UsageError(f"'layer' of {model} should be from {-layers - 1} to {layers}. Found {layer}.")


def _checked_layers(folder: Path, model: str, layers: int) -> int:
    transformers = optional_import("transformers", "text")
    with reading(folder / "config.json", "the configuration of a pretrained network", "Pass a complete checkpoint."):
        # By the library, which knows what each family calls its layers.
        known = int(transformers.AutoConfig.from_pretrained(folder, local_files_only=True).num_hidden_layers)
    if not 1 <= layers <= known:
        raise UsageError(f"The network {model} has {known} layers. Found {layers} asked for.")
    return layers


def short_name(model: str) -> str:
    """How a corpus records ``model``: the name of the folder without the way to it, or the name on the hub."""
    return Path(model).resolve().name if Path(model).is_dir() else model


def digest_of(folder: Path) -> str:
    """``sha256:`` and 16 hexadecimal digits over the names and contents of the files that decide the numbers."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _FILES for path in folder.glob(pattern) if path.is_file()}):
        # Name and size between the contents: moving a byte from one file to the next is another digest.
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()[:16]}"


def _fetched(model: str) -> Path:
    """The local copy of a model of a hub, fetched if need be."""
    from huggingface_hub import snapshot_download

    name, _, revision = model.partition("@")
    try:
        # A mistyped path would be asked for on the hub, and the answer would speak of access rights.
        if name.count("/") > 1 or name.startswith((".", "~", "/")):
            raise FileNotFoundError("there is no such folder.")
        return Path(
            snapshot_download(name, revision=revision or None, allow_patterns=list(_FILES), ignore_patterns=["*/*"])
        )
    except (OSError, ValueError) as error:
        raise DataError(
            f"{model} should be a folder with a pretrained network, or the name of one on a hub that can be reached. "
            f"Found: {_first_line(error)} Check the spelling, or fetch the model elsewhere and pass its folder: "
            "transformers:FOLDER."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{lines[0].rstrip('.: ')}." if lines else f"{type(error).__name__}."


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bars, and no warnings on weights that :func:`load_checkpoint` judges itself."""
    logging = transformers.utils.logging
    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()
