"""Interpreter, system, processor, environment and text of this process."""

from __future__ import annotations

import locale
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

from crossspace.runtime import processors, total_memory

_CPU = Path("/proc/cpuinfo")
_TELLING = (
    "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16",
    "asimd", "sve", "bf16", "i8mm",
)  # fmt: skip
"""What decides how fast floats are multiplied, under the names that Linux gives it."""
_VARIABLES = re.compile(
    r"CROSSSPACE_\w+|(OMP|MKL|OPENBLAS|NUMEXPR|TORCH|CUDA|NVIDIA|HF|TRANSFORMERS|TOKENIZERS|RAY|SLURM|MLFLOW)_\w+"
    r"|RANK|LOCAL_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|NODE_RANK|MASTER_(ADDR|PORT)|XDG_CACHE_HOME|TMPDIR|TEMP|MPL\w+"
    r"|LANG|LC_\w+|PYTHON\w+|VIRTUAL_ENV|CONDA_PREFIX|LD_LIBRARY_PATH"
)
"""Environment variables that change what happens."""
_SECRET = re.compile(r"TOKEN|KEY|SECRET|PASSWORD|CREDENTIAL|AUTH|URI$|URL$", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")


def interpreter() -> dict[str, Any]:
    """Which Python this is."""
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "environment": sys.prefix if sys.prefix != sys.base_prefix else None,
        "package": str(Path(__file__).resolve().parents[1]),
    }


def system() -> dict[str, Any]:
    """What it runs on; memory in bytes."""
    return {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": processors(),
        "memory": total_memory(),
    }


def processor() -> dict[str, Any]:
    """Its name, and those of its features that decide how fast floats are multiplied, where the system tells them."""
    told = _CPU.read_text(encoding="utf-8", errors="replace") if _CPU.is_file() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", told, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", told, re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    return {
        "name": name[1].strip() if name else platform.processor() or platform.machine(),
        "features": [feature for feature in _TELLING if feature in known],
    }


def environment() -> dict[str, str]:
    """Environment variables that change what happens; of secrets only that they are set."""
    chosen = {name: value for name, value in sorted(os.environ.items()) if _VARIABLES.fullmatch(name)}
    return {n: "(set)" if _SECRET.search(n) else _CREDENTIALS.sub("...@", v) for n, v in chosen.items()}


def text() -> dict[str, Any]:
    """How characters become bytes in names of files, in files and on the terminal."""
    return {
        "files": locale.getpreferredencoding(False),
        "names": sys.getfilesystemencoding(),
        "output": getattr(sys.stdout, "encoding", None),
        "utf8_mode": bool(sys.flags.utf8_mode),
        "locale": ".".join(filter(None, locale.getlocale())) or None,
    }
