"""Where a training computes: accelerator, processes, threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from crossspace.errors import UsageError

_SMALL = 2_000_000
"""Parameters below which one thread trains faster than several."""


@dataclass(frozen=True)
class Devices:
    """Where to compute.

    Attributes:
        accelerator: ``auto``, ``cpu`` or ``cuda``.
        count: processes, one per device.
        threads: of each process on the CPU; when not given, one for models below two million parameters, whose
            matrices are too small to share, else PyTorch's own choice. The last digits of a training depend on it.
    """

    accelerator: str = "auto"
    count: int = 1
    threads: int | None = None

    @contextmanager
    def limit_threads(self, parameters: int) -> Iterator[None]:
        """Use the chosen number of threads inside the block."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or (1 if parameters < _SMALL else before))
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def fabric(self, precision: str) -> Fabric:
        """A launched Fabric."""
        kind = self.accelerator
        if kind == "auto":
            kind = "cuda" if torch.cuda.is_available() else "cpu"
        if kind == "cuda" and not torch.cuda.is_available():
            raise UsageError("`--device cuda` needs a CUDA device. Found none; use `--device cpu`.")
        fabric = Fabric(
            accelerator=kind,
            devices=self.count,
            strategy="ddp" if self.count > 1 else "auto",
            precision={"float32": "32-true", "bf16": "bf16-mixed"}[precision],  # type: ignore[arg-type]
        )
        fabric.launch()
        return fabric
