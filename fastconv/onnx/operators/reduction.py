"""Sums, means and maxima along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def operator(x: NDArray[Any], axes: NDArray[np.int64] | None = None, *, keepdims: int = 1,
                 noop_with_empty_axes: int = 0) -> NDArray[Any]:
        """Along all axes where none are given, or with noop_with_empty_axes x itself."""
        if axes is None or axes.size == 0:
            return x if noop_with_empty_axes else np.asarray(function(x, axis=None, keepdims=bool(keepdims)))
        return np.asarray(function(x, axis=tuple(map(int, axes)), keepdims=bool(keepdims)))

    return operator


def _sum(x: NDArray[Any], **along: Any) -> Any:
    return np.sum(x, dtype=x.dtype, **along)


def _mean(x: NDArray[Any], **along: Any) -> Any:
    return np.mean(x, dtype=x.dtype, **along)


def _max(x: NDArray[Any], **along: Any) -> Any:
    return np.max(x, initial=_limits(x.dtype)[0], **along)


def _min(x: NDArray[Any], **along: Any) -> Any:
    return np.min(x, initial=_limits(x.dtype)[1], **along)


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """What no value of a type is below, and none above."""
    if np.issubdtype(dtype, np.integer):
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    return (False, True) if dtype == np.bool_ else (-np.inf, np.inf)


OPERATORS = {"ReduceMax": _reduction(_max), "ReduceMean": _reduction(_mean), "ReduceMin": _reduction(_min),
             "ReduceSum": _reduction(_sum)}
