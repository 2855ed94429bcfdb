"""What an optimizer is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod


class Optimizer(ABC):
    """A rule that changes parameters by their gradients. It holds hyper-parameters; the Trainer keeps its state.

    kernel: its update in `kernels.optimizer`.  state: the names of the arrays it keeps for each parameter.
    lr: the learning rate that schedules start from.
    """

    kernel: str
    state: tuple[str, ...]
    lr: float

    @abstractmethod
    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        """The kernel's constants in step 1, 2, … at learning rate lr."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


def check(name: str, value: float, below: float = math.inf) -> float:
    """`value`, if it lies in [0, below); else ValueError."""
    if not 0 <= value < below:
        bound = "at least 0" if below == math.inf else f"at least 0 and less than {below}"
        raise ValueError(f"{name} must be {bound}, got {value}")
    return float(value)


def check_betas(betas: tuple[float, float]) -> tuple[float, float]:
    return check("betas[0]", betas[0], below=1), check("betas[1]", betas[1], below=1)
