"""A single operator on packed activations, as it runs inside a model: without packing NCHW arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer
from fastconv.engine.parameter import Parameter
from fastconv.engine.session import Session
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight
from fastconv.layout import LANES, Packed

NOWHERE = np.zeros(1, np.float32)  # no kernel here reads the batch's images


class Operation:
    """Built like a model's program, on activations that stay in memory between calls."""

    def __init__(self, images: int) -> None:
        self.builder, self.images = Builder(images), images
        self._parameters: list[Parameter] = []

    def resident(self, shape: tuple[int, int, int], halo: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Tensor:
        """An activation of the whole batch: no group finds another's still in the cache."""
        place = Packed.of(*shape, halo=halo)
        return Tensor(place, Buffer(4 * LANES * place.pixels, per_group=True), needs_grad=False)

    def result(self, y: Tensor) -> None:
        """Keeps y for the whole batch."""
        y.buffer.per_group = True

    def weight(self, values: np.ndarray, shape: tuple[int, int, int, int], groups: int = 1,
               trainable: bool = False) -> Weight:
        parameter = Parameter(shape)
        parameter.set(values.reshape(shape))
        if not trainable:
            self._parameters.append(parameter)
        return self.builder.weight(parameter, shape, groups, trainable)

    def bias(self, values: np.ndarray) -> Bias:
        parameter = Parameter(values.shape)
        parameter.set(values)
        return self.builder.bias(parameter)

    def prepare(self) -> Callable[[], object]:
        """A call that packs the weights, which change in every step of a training, and runs the operator."""
        session = Session(self.builder)

        def call() -> None:
            for parameter in self._parameters:
                parameter.changed()
            session.run(self.images, NOWHERE)

        return call
