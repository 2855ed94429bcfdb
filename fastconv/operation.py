"""One operator on plain arrays: planned when its shapes are first seen, then run from a pool."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.builder import Builder
from fastconv.engine.parameter import Parameter
from fastconv.engine.pool import Pool
from fastconv.engine.session import Session
from fastconv.engine.threads import get_num_threads
from fastconv.engine.weights import Weight
from fastconv.errors import DtypeError, ShapeError
from fastconv.layout import whole_lanes

Array = NDArray[np.float32]

_pool = Pool()


class _Operation(Session):
    """A session of one operator, with its parameters and, for a weight's gradient, the weight."""

    def __init__(self, emit: Callable[..., Weight | None], shapes: Sequence[tuple[int, ...]], capacity: int) -> None:
        builder = Builder(capacity)
        self.inputs = [Parameter(shape) for shape in shapes]
        self.weight = emit(builder, *self.inputs)
        super().__init__(builder)


def run(key: tuple[Hashable, ...], emit: Callable[..., Weight | None], x: Array, inputs: Sequence[Array] = (), *,
         second: np.ndarray | None = None, results: Array | None = None, grad: Array | None = None) -> None:
    """Runs what `emit` emits on x and `second`; fills `results`, or `grad` with that of the weight it returns."""
    capacity = 0 if grad is None else whole_lanes(len(x))

    def make() -> _Operation:
        return _Operation(emit, [each.shape for each in inputs], capacity)

    with _pool.session((*key, capacity, get_num_threads()), make) as operation:
        for parameter, values in zip(operation.inputs, inputs, strict=True):
            parameter.set(values)
        operation.run(len(x), x, targets=second, results=results)
        if grad is not None and operation.weight is not None:
            grad[...] = operation.weight.grad.reshape(grad.shape)


def array(name: str, values: Array, dimensions: int) -> Array:
    """The values, checked to be float32 of so many dimensions, none of them empty, and C-contiguous."""
    array = np.asarray(values)
    if array.dtype != np.float32:
        raise DtypeError(f"expected {name} float32, got {array.dtype}; convert with {name}.astype(np.float32)")
    if array.ndim != dimensions or 0 in array.shape:
        raise ShapeError(f"expected {name} with {dimensions} dimensions, none of them empty, got {array.shape}")
    return np.ascontiguousarray(array)


def expect(name: str, found: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    """Raises ShapeError unless each number expected is the one found."""
    if len(found) != len(expected) or any(e is not None and e != f for e, f in zip(expected, found, strict=True)):
        wanted = ", ".join("any" if each is None else str(each) for each in expected)
        raise ShapeError(f"expected {name} of shape ({wanted}), got {found}")
