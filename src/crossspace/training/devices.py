"""Where a training computes: accelerator, processes, threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric

from crossspace.errors import UsageError

_SMALL = 2_000_000
"""Parameters below which one thread trains faster than several."""
_MOST_THREADS = 1024
"""Far more than any machine gains from; a library that is asked for millions of them ends the process."""


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

    def __post_init__(self) -> None:
        """Refuse what this machine has not, before anything is written or started.

        Raises:
            UsageError: there is no such device, or there are not so many.
        """
        if self.threads is not None and not 1 <= self.threads <= _MOST_THREADS:
            raise UsageError(f"`--threads` should be 1 to {_MOST_THREADS}. Found {self.threads}.")
        if self.accelerator == "cuda" and not torch.cuda.is_available():
            raise UsageError("`--device cuda` needs a CUDA device. Found none; use `--device cpu`.")
        # On the CPU eight processes are allowed anywhere, for trying several out.
        most = torch.cuda.device_count() if self.kind == "cuda" else max(8, os.cpu_count() or 1)
        if not 1 <= self.count <= most:
            raise UsageError(f"`--processes` should be 1 to {most} on this machine ({self.kind}). Found {self.count}.")

    @property
    def kind(self) -> str:
        """``cpu`` or ``cuda``, where it was left open too."""
        if self.accelerator != "auto":
            return self.accelerator
        return "cuda" if torch.cuda.is_available() else "cpu"

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
        fabric = Fabric(
            accelerator=self.kind,
            devices=self.count,
            strategy="ddp" if self.count > 1 else "auto",
            precision={"float32": "32-true", "bf16": "bf16-mixed"}[precision],  # type: ignore[arg-type]
        )
        fabric.launch()
        return fabric
