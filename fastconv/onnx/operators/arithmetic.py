"""Arithmetic and comparisons of broadcast arrays, in any type NumPy has."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.onnx.tensors import check_size

Values = NDArray[Any]


def _of_two(function: Callable[..., Values]) -> Callable[[Values, Values], Values]:
    def operator(a: Values, b: Values) -> Values:
        check_size(*np.broadcast_shapes(a.shape, b.shape))
        return function(a, b)

    return operator


def _of_one(function: Callable[..., Values]) -> Callable[[Values], Values]:
    return lambda x: function(x)


def _of_many(function: Callable[..., Values]) -> Callable[..., Values]:
    return lambda *inputs: reduce(_of_two(function), inputs)


def divide(a: Values, b: Values) -> Values:
    """a / b, of integers without the fraction: towards zero."""
    if not np.issubdtype(a.dtype, np.integer):
        return np.asarray(a / b)
    quotient = a // b
    return np.asarray(quotient + ((quotient < 0) & (quotient * b != a)).astype(a.dtype), a.dtype)


def power(a: Values, b: Values) -> Values:
    """a to the power b, in the type of a."""
    return np.power(a, b).astype(a.dtype)


def mean(*inputs: Values) -> Values:
    total = _of_many(np.add)(*inputs)
    return np.asarray(total / total.dtype.type(len(inputs)))


def where(condition: NDArray[np.bool_], a: Values, b: Values) -> Values:
    check_size(*np.broadcast_shapes(condition.shape, a.shape, b.shape))
    return np.where(condition, a, b)


_OF_TWO: dict[str, Callable[..., Values]] = {
    "Add": np.add, "And": np.logical_and, "Div": divide, "Equal": np.equal, "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "Less": np.less, "LessOrEqual": np.less_equal, "Mul": np.multiply,
    "Or": np.logical_or, "Pow": power, "Sub": np.subtract}

OPERATORS: dict[str, Callable[..., Any]] = {
    **{op: _of_two(function) for op, function in _OF_TWO.items()},
    **{op: _of_one(function) for op, function in {
        "Abs": np.abs, "Ceil": np.ceil, "Exp": np.exp, "Floor": np.floor, "Log": np.log, "Neg": np.negative,
        "Not": np.logical_not, "Reciprocal": np.reciprocal, "Sqrt": np.sqrt}.items()},
    **{op: _of_many(function) for op, function in {"Max": np.maximum, "Min": np.minimum, "Sum": np.add}.items()},
    "Mean": mean, "Where": where,
}
