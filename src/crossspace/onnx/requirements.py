"""What has to be installed to predict by an exported model, and nothing more."""

from __future__ import annotations

from crossspace import __version__
from crossspace.without_torch import EXPORTED, EXPORTED_TEXTS


def requirements(texts: bool = False) -> str:
    """The content of ``requirements.txt``.

    Args:
        texts: whether the encoder of texts is there too.
    """
    needed = EXPORTED_TEXTS if texts else EXPORTED
    return (
        "# To predict without PyTorch:\n"
        "#   pip install -r requirements.txt\n"
        f"#   pip install --no-deps crossspace=={__version__}\n" + "".join(f"{line}\n" for line in needed)
    )
