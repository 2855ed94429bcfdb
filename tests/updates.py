"""Optimizers' steps on a flat parameter, through the kernels that training runs, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Program, in_turn, new_batch_table
from fastconv.engine.threads import get_num_threads
from fastconv.engine.update import StepUnits
from fastconv.optim import Optimizer
from fastconv.optim.run import OptimizerRun
from tests.oracles import assert_close


class Stepper:
    """theta: float32, where training starts.  cuts: where a new unit begins.  options: those of an OptimizerRun."""

    def __init__(self, optimizer: Optimizer, theta: NDArray[np.float32], cuts: Sequence[int] = (),
                 **options: Any) -> None:
        self.parameter, self.grad, table = Parameter(theta.shape), np.zeros_like(theta), new_batch_table()
        self.parameter.set(theta)
        self._largest = float(np.abs(theta).max())
        self.run = OptimizerRun(optimizer, {"parameter": self.parameter}, **options)
        bounds = sorted({0, *cuts, theta.size})
        ranges = [(start, end - start) for start, end in pairwise(bounds)]
        stages = self.run.update.stages([StepUnits(self.parameter, self.grad, [], ranges)], table)
        self._program = Program(in_turn(stages), table, 0, get_num_threads())

    @property
    def theta(self) -> NDArray[np.float32]:
        return self.parameter.array

    def step(self, grad: NDArray[Any], lr: float | None = None) -> None:
        """A step along a gradient, at a learning rate or the optimizer's."""
        lr = self.run.optimizer.lr if lr is None else lr
        self.grad[...] = grad
        self.run.begin(lr)
        self._program.run()
        self.run.end(lr)
        self._largest = max(self._largest, float(np.abs(self.theta).max()))

    def assert_close_to(self, expected: NDArray[Any], tolerance: float) -> None:
        """Asserts that theta is `expected`, relative to the largest value on the way.

        A step's rounding errors are those of the values it starts from, also where they end near zero.
        """
        assert_close(np.append(self.theta, self._largest), np.append(expected, self._largest), tolerance)
