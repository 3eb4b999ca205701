"""A tensor that grows at its end without being copied each time."""

from __future__ import annotations

import torch
from torch import Tensor


class Growing:
    """Rows (b, t, ...) to which later steps are appended along t.

    Its room doubles when it is full, so that appending costs the same on average however long it has become.

    Attributes:
        length: t so far.
    """

    def __init__(self) -> None:
        self.length = 0
        self._room: Tensor | None = None

    def append(self, rows: Tensor) -> Tensor:
        """Append (b, s, ...) and return all (b, t + s, ...).

        b may shrink from one call to the next: then only the first b go on. While gradients are recorded, everything is
        copied, since whoever read the steps so far still needs them untouched.
        """
        count, end = len(rows), self.length + rows.shape[1]
        if self._room is None:
            self._room = rows
        elif torch.is_grad_enabled():
            self._room = torch.cat([self._room[:count, : self.length], rows], dim=1)
        else:
            if end > self._room.shape[1]:
                room = self._room.new_empty(len(self._room), 2 * end, *rows.shape[2:])
                room[:, : self.length] = self._room[:, : self.length]
                self._room = room
            self._room[:count, self.length : end] = rows
        self.length = end
        return self._room[:count, :end]

    def __deepcopy__(self, memo: object) -> Growing:
        """The steps so far in the same room, where only one of the two may go on."""
        copied = Growing()
        copied.length, copied._room = self.length, self._room
        return copied

    @property
    def steps(self) -> Tensor | None:
        """All (b, t, ...) so far; none before the first."""
        return None if self._room is None else self._room[:, : self.length]

    @property
    def nbytes(self) -> int:
        """Bytes of its room, filled or not."""
        return 0 if self._room is None else self._room.nbytes
