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
        count: processes on each machine, one per device.
        threads: of each process on the CPU; when not given, one for models below two million parameters, whose
            matrices are too small to share, else PyTorch's own choice. The last digits of a training depend on it.
        nodes: machines that train together. Under ``torchrun``, which begins the processes itself, both numbers are
            its own.
    """

    accelerator: str = "auto"
    count: int = 1
    threads: int | None = None
    nodes: int = 1

    def __post_init__(self) -> None:
        """Refuse what this machine has not, before anything is written or started.

        Raises:
            UsageError: there is no such device, or there are not so many.
        """
        if self.threads is not None and not 1 <= self.threads <= _MOST_THREADS:
            raise UsageError(f"`--threads` should be 1 to {_MOST_THREADS}. Found {self.threads}.")
        if self.accelerator == "cuda" and not torch.cuda.is_available():
            raise UsageError("`--device cuda` needs a CUDA device. Found none; use `--device cpu`.")
        if self.nodes < 1:
            raise UsageError(f"`--nodes` should be at least 1. Found {self.nodes}.")
        if _by_torchrun():
            self._check_torchrun()
            return
        if self.nodes > 1 and not _told_by_scheduler():
            raise UsageError(
                f"With `--nodes {self.nodes}` every machine runs this command and should know which it is. Found "
                "neither torchrun nor srun nor the variables MASTER_ADDR and NODE_RANK. On each machine run: torchrun "
                "--nnodes N --nproc-per-node P --rdzv-backend c10d --rdzv-endpoint HOST:PORT -m crossspace train ..."
            )
        # On the CPU eight processes are allowed anywhere, for trying several out.
        most = torch.cuda.device_count() if self.kind == "cuda" else max(8, os.cpu_count() or 1)
        if not 1 <= self.count <= most:
            raise UsageError(f"`--processes` should be 1 to {most} on this machine ({self.kind}). Found {self.count}.")

    def _check_torchrun(self) -> None:
        """Refuse numbers that are not torchrun's: it has begun the processes."""
        own, nodes = _torchrun()
        if self.count not in (1, own) or self.nodes not in (1, nodes):
            raise UsageError(
                f"torchrun has begun {own} processes on each of {nodes} machines. Found `--processes {self.count}` and "
                f"`--nodes {self.nodes}`; leave them out, or give torchrun other numbers."
            )

    @property
    def processes(self) -> int:
        """That train together, on all machines."""
        own, nodes = _torchrun() if _by_torchrun() else (self.count, self.nodes)
        return own * nodes

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
        """A launched Fabric.

        Raises:
            UsageError: the devices do not compute in this precision.
        """
        if precision == "tf32" and self.kind != "cuda":
            raise UsageError(
                "The precision 'tf32' is one of CUDA devices. Found none in use; take 'float32' or 'bf16'."
            )
        # Of the process: two runs of one process may differ in it.
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        own, nodes = _torchrun() if _by_torchrun() else (self.count, self.nodes)
        fabric = Fabric(
            accelerator=self.kind,
            devices=own,
            num_nodes=nodes,
            strategy="ddp" if own * nodes > 1 else "auto",
            precision={"float32": "32-true", "tf32": "32-true", "bf16": "bf16-mixed"}[precision],  # type: ignore[arg-type]
        )
        fabric.launch()
        return fabric


def _by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _torchrun() -> tuple[int, int]:
    """Processes on each machine, and machines, as torchrun says."""
    own, every = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    return own, every // own


def _told_by_scheduler() -> bool:
    return "SLURM_STEP_NUM_NODES" in os.environ or {"MASTER_ADDR", "NODE_RANK"} <= set(os.environ)
