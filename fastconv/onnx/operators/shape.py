"""Changes of shape, and shapes and types themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import OnnxError, UnsupportedError
from fastconv.onnx.tensors import check_size, dtype_of

Values = NDArray[Any]
Integers = NDArray[np.int64]


def reshape(x: Values, shape: Integers, *, allowzero: int = 0) -> Values:
    return x.reshape(resolved(x.shape, shape, allowzero))


def resolved(shape: Sequence[int], wanted: Integers, allowzero: int = 0) -> tuple[int, ...]:
    """The shape that a Reshape asks for: 0 keeps an axis, unless zeros are allowed, and -1 takes what remains."""
    sizes = [int(shape[axis]) if size == 0 and not allowzero else int(size) for axis, size in enumerate(wanted)]
    known, total = math.prod(size for size in sizes if size != -1), math.prod(shape)
    if sizes.count(-1) == 1 and known:
        sizes[sizes.index(-1)] = total // known
    if math.prod(sizes) != total or min(sizes, default=0) < 0:
        raise OnnxError(f"an array {tuple(shape)} cannot be reshaped to {tuple(map(int, wanted))}")
    return tuple(sizes)


def flatten(x: Values, *, axis: int = 1) -> Values:
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def transpose(x: Values, *, perm: Sequence[int] | None = None) -> Values:
    return np.transpose(x, perm)


def squeeze(x: Values, axes: Integers | None = None) -> Values:
    return np.squeeze(x, None if axes is None else tuple(map(int, axes)))


def unsqueeze(x: Values, axes: Integers) -> Values:
    return np.expand_dims(x, tuple(map(int, axes)))


def shape_of(x: Values, *, start: int = 0, end: int | None = None) -> Integers:
    return np.array(x.shape[start:end], np.int64)


def size_of(x: Values) -> Integers:
    return np.array(x.size, np.int64)


def expand(x: Values, shape: Integers) -> Values:
    wanted = np.broadcast_shapes(x.shape, tuple(map(int, shape)))
    check_size(*wanted)
    return np.broadcast_to(x, wanted)


def tile(x: Values, repeats: Integers) -> Values:
    check_size(*(size * int(count) for size, count in zip(x.shape, repeats, strict=True)))
    return np.tile(x, repeats)


def identity(x: Values) -> Values:
    return x


def constant(*, value: Values | None = None, value_float: float | None = None,
             value_floats: Sequence[float] | None = None, value_int: int | None = None,
             value_ints: Sequence[int] | None = None) -> Values:
    """The one attribute that is there."""
    if value is not None:
        return value
    number = value_float if value_float is not None else value_floats
    if number is not None:
        return np.array(number, np.float32)
    whole = value_int if value_int is not None else value_ints
    if whole is None:
        raise OnnxError("its value is missing")
    return np.array(whole, np.int64)


def constant_of_shape(shape: Integers, *, value: Values | None = None) -> Values:
    check_size(*map(int, shape))
    return np.full(tuple(map(int, shape)), np.float32(0) if value is None else value.reshape(()))


def range_of(start: Values, limit: Values, delta: Values) -> Values:
    count = math.ceil(max((float(limit) - float(start)) / float(delta), 0))
    check_size(count)
    return np.asarray(start + np.arange(count).astype(start.dtype) * delta)


def cast(x: Values, *, to: int, saturate: int = 1) -> Values:
    wanted = dtype_of(to)
    for dtype in (x.dtype, wanted):
        if dtype.isbuiltin != 1:
            raise UnsupportedError(f"casts of {dtype} are not supported")
    return x.astype(wanted)


OPERATORS = {
    "Cast": cast, "Constant": constant, "ConstantOfShape": constant_of_shape, "Expand": expand, "Flatten": flatten,
    "Identity": identity, "Range": range_of, "Reshape": reshape, "Shape": shape_of, "Size": size_of,
    "Squeeze": squeeze, "Tile": tile, "Transpose": transpose, "Unsqueeze": unsqueeze,
}
