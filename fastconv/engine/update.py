"""How a step changes parameters: gradients, clipping, the optimizer's updates, averages, packing.

A unit of a parameter sums its gradient, updates its values and packs them for the next step while they are in the
cache, so threads share the work without a barrier in between. Only clipping by the norm of all gradients needs one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastconv.engine.memory import At, Fixed
from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Call, Phase
from fastconv.kernels import averaging
from fastconv.kernels import gradient as kernels
from fastconv.kernels.abi import Kernel


@dataclass(frozen=True)
class StepUnits:
    """Units of a parameter: calls that leave their gradient in `grad`, their ranges (start, size), and their packing.

    Both kinds of call have one record for each unit. There is none where the gradient is there already.
    """

    parameter: Parameter
    grad: np.ndarray
    gradient: Sequence[Call]
    ranges: Sequence[tuple[int, int]]
    packing: Sequence[Call] = ()


@dataclass(frozen=True)
class Rule:
    """How a parameter changes: a kernel of `kernels.optimizer`, its constants, the state it keeps by name.

    average: the parameter's average over the steps, where one is kept.
    """

    kernel: Kernel
    constants: np.ndarray
    state: Mapping[str, np.ndarray]
    average: np.ndarray | None = None


class _Sum:
    """Sums over all units: each leaves its part in a slot, and the slots are added in their order.

    So the bits do not depend on who took which unit.
    """

    def __init__(self, total: np.ndarray) -> None:
        """total: (k,) float64, for k sums."""
        self.total = total
        self._slots: list[np.ndarray] = []

    def slots(self, units: int) -> list[At]:
        """A slot of k float64 for each of so many units."""
        slots = np.zeros((units, len(self.total)))
        self._slots.append(slots)
        return [At(Fixed(slots), slots.strides[0] * unit) for unit in range(units)]

    def calls(self) -> list[Call]:
        """Leave the total."""
        return [Call(kernels.add_up, [{"slots": Fixed(slots), "total": Fixed(self.total), "count": len(slots),
                                       "width": len(self.total), "first": place == 0}])
                for place, slots in enumerate(self._slots)]


@dataclass(frozen=True, eq=False)
class Update:
    """What a step does to the parameters by their gradients.

    share: (1,) float32, how much of a step's values goes into the averages.
    max_norm, max_value: what gradients are clipped to, together and one by one.
    products: (2,) float64, where the rules' kernels leave pᵀp and pᵀg of the whole change p and gradient g, if they do.
    """

    rules: Mapping[Parameter, Rule]
    share: np.ndarray = field(default_factory=lambda: np.zeros(1, np.float32))
    max_norm: float | None = None
    max_value: float | None = None
    products: np.ndarray | None = None

    def stages(self, units: Sequence[StepUnits], batch: np.ndarray) -> list[list[Phase]]:
        """A step's work on all parameters."""
        products = None if self.products is None else _Sum(self.products)
        changes = [self._changes(each, products) for each in units]
        last = [] if products is None else [[Phase(products.calls(), 1)]]
        if self.max_norm is None:
            return [[Phase([*each.gradient, *calls], len(each.ranges))
                     for each, calls in zip(units, changes, strict=True)], *last]
        squares, factor = _Sum(np.zeros(1)), Fixed(np.zeros(1, np.float32))
        gradients = [Phase([*each.gradient, _on_ranges(kernels.sum_squares, each.ranges, {"grad": each.grad},
                                                      squares.slots(len(each.ranges)))], len(each.ranges))
                     for each in units]
        norm = [*squares.calls(), Call(kernels.clip_factor, [
            {"squares": Fixed(squares.total), "factor": factor, "batch": Fixed(batch), "max_norm": self.max_norm}])]
        scaled = [Phase([_on_ranges(kernels.scale, each.ranges, {"grad": each.grad}, bound=factor), *calls],
                        len(each.ranges)) for each, calls in zip(units, changes, strict=True)]
        return [gradients, [Phase(norm, 1)], scaled, *last]

    def _changes(self, units: StepUnits, products: _Sum | None) -> list[Call]:
        """What follows each unit's gradient."""
        rule, theta, ranges, calls = self.rules[units.parameter], units.parameter.array, units.ranges, []
        if self.max_value is not None:
            bound = Fixed(np.array([self.max_value], np.float32))
            calls.append(_on_ranges(kernels.clamp, ranges, {"grad": units.grad}, bound=bound))
        calls.append(_on_ranges(rule.kernel, ranges, {"theta": theta, "grad": units.grad, **rule.state},
                                None if products is None else products.slots(len(ranges)),
                                constants=Fixed(rule.constants)))
        if rule.average is not None:
            calls.append(_on_ranges(averaging.average, ranges, {"theta": theta, "average": rule.average},
                                    share=Fixed(self.share)))
        return [*calls, *units.packing]


def step_stages(units: Sequence[StepUnits], batch: np.ndarray, update: Update | None) -> list[list[Phase]]:
    """A step's work on all parameters; without an update it ends with their gradients."""
    if update is None:
        return [[Phase([*each.gradient], len(each.ranges)) for each in units]]
    return update.stages(units, batch)


def _on_ranges(kernel: Kernel, ranges: Sequence[tuple[int, int]], arrays: Mapping[str, np.ndarray],
               slots: Sequence[At] | None = None, **fields: Fixed) -> Call:
    """A call on each range of float32 arrays."""
    records: list[dict[str, Any]] = [
        {name: At(Fixed(array), 4 * start) for name, array in arrays.items()} | fields | {"size": size}
        for start, size in ranges]
    for record, slot in zip(records, slots or (), strict=False):
        record["slot"] = slot
    return Call(kernel, records)
