"""What an optimizer is."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Optimizer(ABC):
    """A rule that changes parameters by their gradients: its hyper-parameters, as a frozen dataclass.

    kernel: its update in `kernels.optimizer`.  state: the names of the arrays it keeps for each parameter.
    lr: the learning rate that schedules start from.
    progress: the names of its fields that a run of training changes.
    """

    lr: float
    progress: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def kernel(self) -> str: ...

    @property
    @abstractmethod
    def state(self) -> tuple[str, ...]: ...

    @abstractmethod
    def constants(self, step: int, lr: float) -> tuple[float, ...]:
        """The kernel's constants in step 1, 2, … at learning rate lr."""

    def after(self, step: int, lr: float, pp: float, pg: float) -> Self:
        """The optimizer that goes on after a step; pp and pg: pᵀp and pᵀg of all parameters' change p and gradient g.

        Called only where `progress` names something. The kernel must then leave the products in its slots.
        """
        return self

    def replace(self, **hyper_parameters: Any) -> Self:
        """The same optimizer with other hyper-parameters; ValueError for one that it does not have."""
        names = [field.name for field in dataclasses.fields(self) if field.name not in self.progress]
        for name in hyper_parameters:
            if name not in names:
                raise ValueError(f"{type(self).__name__} has no hyper-parameter {name!r}; it has {', '.join(names)}")
        return dataclasses.replace(self, **hyper_parameters)


def check(name: str, value: float, below: float = math.inf) -> None:
    """Raises ValueError unless `value` lies in [0, below)."""
    if not 0 <= value < below:
        bound = "at least 0" if below == math.inf else f"at least 0 and less than {below}"
        raise ValueError(f"{name} must be {bound}, got {value}")


def check_positive(name: str, value: float) -> None:
    """Raises ValueError unless `value` is a number above 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be above 0, got {value}")


def check_betas(betas: tuple[float, float]) -> None:
    """Raises ValueError unless both lie in [0, 1)."""
    check("betas[0]", betas[0], below=1)
    check("betas[1]", betas[1], below=1)
