"""Parts of arrays, and arrays joined or padded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import OnnxError
from fastconv.onnx.signature import only
from fastconv.onnx.tensors import check_size

Values = NDArray[Any]
Integers = NDArray[np.int64]


def concat(*inputs: Values, axis: int) -> Values:
    check_size(sum(each.size for each in inputs))
    return np.concatenate(inputs, axis)


def split(x: Values, split: Integers | None = None, *, axis: int = 0,
          num_outputs: int | None = None, outputs: int) -> tuple[Values, ...]:
    """Parts of the sizes in `split`, or as many equal ones as there are outputs, of which the last may be smaller."""
    if split is None:
        part = -(-x.shape[axis] // outputs)
        split = np.diff(np.minimum(np.arange(outputs + 1) * part, x.shape[axis]))
    if split.sum() != x.shape[axis] or split.min(initial=0) < 0:
        raise OnnxError(f"expected parts of {x.shape[axis]} in all, found {split.tolist()}")
    return tuple(np.split(x, np.cumsum(split)[:-1], axis))


def gather(x: Values, indices: Integers, *, axis: int = 0) -> Values:
    check_size(x.size // max(x.shape[axis], 1), *indices.shape)
    return np.asarray(np.take(x, indices, axis))


def slice_of(x: Values, starts: Integers, ends: Integers, axes: Integers | None = None,
             steps: Integers | None = None) -> Values:
    cut = [slice(None)] * x.ndim
    axes = np.arange(len(starts)) if axes is None else axes
    steps = np.ones(len(starts), np.int64) if steps is None else steps
    for start, end, axis, step in zip(*(map(int, each) for each in (starts, ends, axes, steps)), strict=True):
        size = x.shape[axis]
        first = max(start + size if start < 0 else start, 0)
        beyond = end + size if end < 0 else end
        cut[axis] = slice(first, None if step < 0 and beyond < 0 else max(beyond, 0), step)
    return x[tuple(cut)]


#: The modes of Pad that repeat what is there.
MODES: dict[str, Callable[[Values, list[tuple[int, int]]], Values]] = {
    "edge": lambda x, around: np.pad(x, around, "edge"),
    "reflect": lambda x, around: np.pad(x, around, "reflect"),
    "wrap": lambda x, around: np.pad(x, around, "wrap"),
}


def pad(x: Values, pads: Integers, value: Values | None = None, axes: Integers | None = None, *,
        mode: str = "constant") -> Values:
    only("mode", mode, "constant", *MODES)
    around = pads_of(x.ndim, pads, axes)
    inner = tuple(slice(max(-before, 0), size - max(-after, 0))
                  for (before, after), size in zip(around, x.shape, strict=True))
    x, around = x[inner], [(max(before, 0), max(after, 0)) for before, after in around]
    check_size(*(size + sum(both) for size, both in zip(x.shape, around, strict=True)))
    if mode != "constant":
        return MODES[mode](x, around)
    return np.pad(x, around, constant_values=0 if value is None else value.reshape(()))


def pads_of(dimensions: int, pads: Integers, axes: Integers | None) -> list[tuple[int, int]]:
    """What is put before and after each axis; less than nothing is cut off."""
    around = [(0, 0)] * dimensions
    chosen = range(dimensions) if axes is None else [int(axis) for axis in axes]
    for axis, before, after in zip(chosen, pads[:len(chosen)], pads[len(chosen):], strict=True):
        around[axis] = int(before), int(after)
    return around


def depth_to_space(x: Values, *, blocksize: int, mode: str = "DCR") -> Values:
    """Channels as blocks of pixels: of x (N, b² C, H, W) makes (N, C, b H, b W)."""
    only("mode", mode, "DCR", "CRD")
    n, channels, height, width = x.shape
    if mode == "DCR":
        blocks = x.reshape(n, blocksize, blocksize, -1, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        blocks = x.reshape(n, -1, blocksize, blocksize, height, width).transpose(0, 1, 4, 2, 5, 3)
    return blocks.reshape(n, channels // blocksize**2, height * blocksize, width * blocksize)


OPERATORS = {"Concat": concat, "DepthToSpace": depth_to_space, "Gather": gather, "Pad": pad, "Slice": slice_of,
             "Split": split}
