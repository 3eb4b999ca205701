"""A tensor that grows at its end."""

from __future__ import annotations

import torch

from crossspace.nn.growing import Growing


def test_what_was_appended_is_there_in_order_with_and_without_gradients() -> None:
    parts = [torch.randn(3, steps, 2) for steps in (1, 2, 1, 7, 1)]
    for gradients in (True, False):
        growing = Growing()
        assert growing.steps is None and growing.nbytes == 0
        with torch.set_grad_enabled(gradients):
            for i, part in enumerate(parts):
                assert torch.equal(growing.append(part), torch.cat(parts[: i + 1], dim=1))
        assert growing.length == 12 and torch.equal(growing.steps, torch.cat(parts, dim=1))


@torch.no_grad()
def test_those_who_have_ended_are_left_behind() -> None:
    growing = Growing()
    first, second, third = torch.randn(4, 1, 2), torch.randn(2, 1, 2), torch.randn(1, 1, 2)
    growing.append(first)
    assert torch.equal(growing.append(second), torch.cat([first[:2], second], dim=1))
    assert torch.equal(growing.append(third), torch.cat([first[:1], second[:1], third], dim=1))


@torch.no_grad()
def test_appending_copies_what_is_there_only_when_the_room_is_full() -> None:
    growing, rooms = Growing(), set()
    for _ in range(1000):
        rooms.add(growing.append(torch.zeros(1, 1, 2)).data_ptr())
    assert len(rooms) < 12
    assert growing.nbytes <= 2 * 1000 * 2 * 4


def test_gradients_of_all_readers_are_right() -> None:
    growing, parts = Growing(), [torch.randn(2, 1, 3, requires_grad=True) for _ in range(4)]
    sum(growing.append(part).square().sum() for part in parts).backward()
    for i, part in enumerate(parts):
        torch.testing.assert_close(part.grad, 2 * (4 - i) * part)
