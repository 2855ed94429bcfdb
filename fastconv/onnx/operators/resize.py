"""Resize by nearest neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import OnnxError
from fastconv.onnx.signature import only
from fastconv.onnx.tensors import check_size

Numbers = NDArray[np.float64]

#: Where an output's position lies in the input: of (position, scale, input size, output size).
COORDINATES: dict[str, Callable[[Numbers, float, int, int], Numbers]] = {
    "asymmetric": lambda x, scale, before, after: x / scale,
    "half_pixel": lambda x, scale, before, after: (x + 0.5) / scale - 0.5,
    "half_pixel_symmetric": lambda x, scale, before, after: (
        before / 2 * (1 - after / (before * scale)) + (x + 0.5) / scale - 0.5),
    "pytorch_half_pixel": lambda x, scale, before, after: (x + 0.5) / scale - 0.5 if after > 1 else 0 * x,
    "align_corners": lambda x, scale, before, after: x * (before - 1) / max(after - 1, 1),
}

#: Which neighbour is the nearest.
ROUNDINGS: dict[str, Callable[[Numbers], Numbers]] = {
    "floor": np.floor, "ceil": np.ceil, "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def resize(x: NDArray[Any], roi: NDArray[Any] | None = None, scales: NDArray[Any] | None = None,
           sizes: NDArray[np.int64] | None = None, *, antialias: int = 0, axes: Sequence[int] | None = None,
           coordinate_transformation_mode: str = "half_pixel", cubic_coeff_a: float = -0.75, exclude_outside: int = 0,
           extrapolation_value: float = 0.0, keep_aspect_ratio_policy: str = "stretch", mode: str = "nearest",
           nearest_mode: str = "round_prefer_floor") -> NDArray[Any]:
    """x at the nearest positions of an array whose sizes are given, or are `scales` times those of x."""
    only("mode", mode, "nearest")
    factors, wanted = targets(x.shape, scales, sizes, axes, keep_aspect_ratio_policy)
    check_size(*wanted)
    for axis, (before, after, scale) in enumerate(zip(x.shape, wanted, factors, strict=True)):
        if before != after or scale != 1:
            x = np.take(x, nearest(before, after, scale, coordinate_transformation_mode, nearest_mode), axis)
    return x


def nearest(before: int, after: int, scale: float, transformation: str, rounding: str) -> NDArray[np.int64]:
    """The position that each of `after` positions along an axis is taken from."""
    only("coordinate_transformation_mode", transformation, *COORDINATES)
    only("nearest_mode", rounding, *ROUNDINGS)
    places = COORDINATES[transformation](np.arange(after, dtype=np.float64), scale, before, after)
    return np.clip(ROUNDINGS[rounding](places), 0, before - 1).astype(np.int64)


def targets(shape: Sequence[int], scales: NDArray[Any] | None, sizes: NDArray[np.int64] | None,
            axes: Sequence[int] | None, policy: str = "stretch") -> tuple[list[float], list[int]]:
    """By how much each axis grows, and the size it grows to."""
    only("keep_aspect_ratio_policy", policy, "stretch", "not_larger", "not_smaller")
    chosen = list(range(len(shape))) if axes is None else [axis % len(shape) for axis in axes]
    factors, wanted = [1.0] * len(shape), list(shape)
    by_size = sizes is not None and sizes.size > 0
    given = sizes if by_size else scales
    if given is None or given.size != len(chosen) or np.min(given) <= 0:
        raise OnnxError(f"expected positive scales or sizes of {len(chosen)} axes, found {given}")
    ratios = [int(each) / shape[axis] if by_size else float(each) for axis, each in zip(chosen, given, strict=True)]
    if by_size and policy != "stretch":
        ratios = [min(ratios) if policy == "not_larger" else max(ratios)] * len(ratios)
    for axis, ratio, each in zip(chosen, ratios, given, strict=True):
        factors[axis] = ratio
        if not by_size:
            wanted[axis] = math.floor(shape[axis] * ratio)
        else:
            wanted[axis] = int(each) if policy == "stretch" else math.floor(shape[axis] * ratio + 0.5)
    return factors, wanted


OPERATORS = {"Resize": resize}
