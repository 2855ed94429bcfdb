"""Channels put together and taken apart, and images made larger."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.onnx.lowering.expect import Input, constant, images, value
from fastconv.onnx.network import Network, Value
from fastconv.onnx.operators.resize import nearest, targets
from fastconv.onnx.signature import only
from fastconv.onnx.tensors import check_size


def concat(net: Network, *inputs: Input, axis: int) -> Value:
    values = [value(each) for each in inputs]
    if axis % len(values[0].shape) != 1:
        raise UnsupportedError(f"axis 1 is supported, found {axis}")
    return net.add(nn.Concat(), *values) if len(values) > 1 else values[0]


def slice_of(net: Network, x: Input, starts: Input, ends: Input, axes: Input | None = None,
             steps: Input | None = None) -> Value:
    """Some of the channels."""
    batch = images(x)
    first, last = (constant(name, each, 1).tolist() for name, each in (("starts", starts), ("ends", ends)))
    along = list(range(len(first))) if axes is None else constant("axes", axes, 1).tolist()
    if steps is not None and np.any(constant("steps", steps) != 1):
        raise UnsupportedError("steps of 1 are supported")
    for start, end, axis in zip(first, last, along, strict=True):
        size = batch.shape[axis]
        begin, stop, _ = slice(start, end).indices(size)
        if (begin, stop) == (0, size):
            continue
        if axis % 4 != 1:
            raise UnsupportedError(f"parts along axis 1 are supported, found {begin} to {stop} along {axis}")
        batch = net.add(nn.Narrow(begin, stop - begin), batch)
    return batch


def split(net: Network, x: Input, split: Input | None = None, *, axis: int = 0, num_outputs: int | None = None,
          outputs: int) -> tuple[Value, ...]:
    """The channels in parts of sizes that are given, or as many equal ones as there are outputs."""
    batch = images(x)
    if axis % 4 != 1:
        raise UnsupportedError(f"parts along axis 1 are supported, found axis {axis}")
    part = -(-batch.shape[1] // outputs)
    bounds = (np.minimum(np.arange(outputs + 1) * part, batch.shape[1]) if split is None
              else np.cumsum([0, *constant("the sizes", split, 1)])).tolist()
    if bounds[-1] != batch.shape[1]:
        raise UnsupportedError(f"expected parts of {batch.shape[1]} channels in all, found {bounds[-1]}")
    return tuple(net.add(nn.Narrow(start, stop - start), batch) for start, stop in pairwise(bounds))


def resize(net: Network, x: Input, roi: Input | None = None, scales: Input | None = None, sizes: Input | None = None, *,
           antialias: int = 0, axes: Sequence[int] | None = None, coordinate_transformation_mode: str = "half_pixel",
           cubic_coeff_a: float = -0.75, exclude_outside: int = 0, extrapolation_value: float = 0.0,
           keep_aspect_ratio_policy: str = "stretch", mode: str = "nearest",
           nearest_mode: str = "round_prefer_floor") -> Value:
    """Each pixel as a rectangle of pixels, however this is asked for."""
    only("mode", mode, "nearest")
    batch = images(x)
    factors, wanted = targets(batch.shape, None if scales is None else constant("scales", scales),
                              None if sizes is None else constant("sizes", sizes), axes, keep_aspect_ratio_policy)
    repeats = [after // before for before, after in zip(batch.shape[2:], wanted[2:], strict=True)]
    check_size(*wanted[2:])
    for before, after, factor, repeat in zip(batch.shape[2:], wanted[2:], factors[2:], repeats, strict=True):
        places = nearest(before, after, factor, coordinate_transformation_mode, nearest_mode)
        if not np.array_equal(places, np.arange(before).repeat(repeat)):
            raise UnsupportedError(f"images are made larger by whole factors, found {batch.shape} to {tuple(wanted)}")
    if tuple(wanted[:2]) != batch.shape[:2]:
        raise UnsupportedError(f"images are made larger, found {batch.shape} to {tuple(wanted)}")
    return net.add(nn.Upsample(scale_factor=(repeats[0], repeats[1])), batch)


LAYERS = {"Concat": concat, "Resize": resize, "Slice": slice_of, "Split": split}
