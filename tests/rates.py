"""Learning rates of whole runs, ours and PyTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from fastconv.optim import Schedule

#: The optimizer's own rate.
LR = 0.5


def rates(schedule: Schedule, steps: int) -> list[float]:
    """Of every step."""
    return [schedule.lr(step, steps, LR) for step in range(steps)]


def assert_rates(schedule: Schedule, expected: Sequence[float]) -> None:
    """Asserts that a run of as many steps has the expected rates."""
    np.testing.assert_allclose(rates(schedule, len(expected)), expected, rtol=1e-9, atol=1e-12)


def rates_of_torch(make: str | Callable[[Any, Any], Any], steps: int, **options: Any) -> list[float]:
    """Of every step by a class of torch.optim.lr_scheduler, or by what `make` makes of (torch, optimizer)."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants a step of the optimizer before each of its own
        schedule = (getattr(torch.optim.lr_scheduler, make)(optimizer, **options) if isinstance(make, str)
                    else make(torch, optimizer))
        made = [optimizer.param_groups[0]["lr"]]
        for _ in range(steps - 1):
            schedule.step()
            made.append(optimizer.param_groups[0]["lr"])
    return made
