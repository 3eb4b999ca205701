"""The libraries that do where PyTorch is not installed, with the bounds of ``pyproject.toml``.

They stand apart from :mod:`crossspace.onnx`, whose import needs some of them.
"""

from __future__ import annotations

READING = ("numpy>=2.0", "pyarrow>=25", "filelock>=3.30", "rich>=13.8")
"""To read transcripts, corpora and analyses."""
EXPORTED = (*READING, "onnxruntime>=1.20", "pyyaml>=6.0", "huggingface-hub>=0.30")
"""To predict by an exported model."""
EXPORTED_TEXTS = (*EXPORTED, "tokenizers>=0.23.1", "py3langid>=0.4")
"""To predict by an exported model from texts."""
