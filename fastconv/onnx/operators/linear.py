"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import functional
from fastconv.functional import Array
from fastconv.onnx.tensors import check_size


def gemm(a: Array, b: Array, c: NDArray[Any] | None = None, *, alpha: float = 1.0, beta: float = 1.0, transA: int = 0,
         transB: int = 0) -> Array:
    """alpha a b + beta c, with matrices a and b, or their transposes."""
    y = np.float32(alpha) * functional.linear(a.T if transA else a, b if transB else b.T)
    return y if c is None else np.asarray(y + np.float32(beta) * c)


def matmul(a: Array, b: Array) -> Array:
    """As numpy.matmul: matrices in the last two axes, the others broadcast; a single axis is a row or a column."""
    left, right = a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    check_size(*stack, left.shape[-2], right.shape[-1])
    if right.ndim == 2:
        y = functional.linear(left.reshape(-1, left.shape[-1]), right.T).reshape(*left.shape[:-1], right.shape[1])
    else:
        rows, columns = (np.broadcast_to(each, (*stack, *each.shape[-2:])) for each in (left, right))
        y = np.empty((*stack, left.shape[-2], right.shape[-1]), np.float32)
        for index in np.ndindex(stack):
            y[index] = functional.linear(rows[index], columns[index].T)
    y = y[..., 0] if b.ndim == 1 else y
    return y.reshape(y.shape[:-2] + y.shape[-1:] if b.ndim > 1 else y.shape[:-1]) if a.ndim == 1 else y


OPERATORS = {"Gemm": gemm, "MatMul": matmul}
