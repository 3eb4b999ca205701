"""What has to be installed to predict by an exported model, and nothing more."""

from __future__ import annotations

from crossspace import __version__

_NEEDED = (
    *("numpy>=2.0", "pyarrow>=25", "onnxruntime>=1.20", "pyyaml>=6.0", "filelock>=3.30", "rich>=13.8"),
    "huggingface-hub>=0.30",
)
_OF_TEXTS = ("tokenizers>=0.23.1", "py3langid>=0.4")
"""With the bounds of ``pyproject.toml``."""


def requirements(texts: bool = False) -> str:
    """The content of ``requirements.txt``.

    Args:
        texts: whether the encoder of texts is there too.
    """
    needed = (*_NEEDED, *_OF_TEXTS) if texts else _NEEDED
    return (
        "# To predict without PyTorch:\n"
        "#   pip install -r requirements.txt\n"
        f"#   pip install --no-deps crossspace=={__version__}\n" + "".join(f"{line}\n" for line in needed)
    )
