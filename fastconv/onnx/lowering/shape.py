"""Changes of shape: Flatten in its many forms, and what changes nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.nn.layer import Shape
from fastconv.onnx.lowering.expect import Input, constant, value
from fastconv.onnx.network import Network, Part, Value, is_part
from fastconv.onnx.operators.shape import resolved


def reshape(net: Network, x: Input, shape: Input, *, allowzero: int = 0) -> Value:
    batch = value(x)
    return reshaped(net, batch, resolved(batch.shape, constant("the shape", shape, 1), allowzero))


def flatten(net: Network, x: Input, *, axis: int = 1) -> Value:
    batch = value(x)
    if axis % len(batch.shape) != 1:
        raise UnsupportedError(f"axis 1 is supported, found {axis}")
    return reshaped(net, batch, (batch.shape[0], math.prod(batch.shape[1:])))


def squeeze(net: Network, x: Input, axes: Input | None = None) -> Value:
    batch = value(x)
    gone = ([axis for axis, size in enumerate(batch.shape) if size == 1] if axes is None
            else [int(axis) % len(batch.shape) for axis in constant("axes", axes, 1)])
    if any(batch.shape[axis] != 1 for axis in gone):
        raise UnsupportedError(f"the axes {gone} of {batch.shape} are not all of size 1")
    return reshaped(net, batch, tuple(size for axis, size in enumerate(batch.shape) if axis not in gone))


def unsqueeze(net: Network, x: Input, axes: Input) -> Value:
    batch = value(x)
    new = {int(axis) for axis in constant("axes", axes, 1)}
    dimensions = len(batch.shape) + len(new)
    new, sizes = {axis % dimensions for axis in new}, iter(batch.shape)
    return reshaped(net, batch, tuple(1 if axis in new else next(sizes) for axis in range(dimensions)))


#: Operators whose parts hold the values of what they read, in another shape.
RESHAPES = ("Flatten", "InstanceNormalization", "Reshape", "Squeeze", "Unsqueeze")


def reshaped(net: Network, x: Value, shape: Shape) -> Value:
    """x with another shape: as it is, flattened, or for a later node to recognise. Of two in a row the last counts."""
    if any(is_part(x, op) for op in RESHAPES):
        (before,) = x.reads
        return reshaped(net, before, shape)
    if shape == x.shape:
        return x
    if len(shape) == 4 and is_part(x, "Transpose"):
        return _shuffled(net, x, shape)
    if len(x.shape) == 4 and shape == (x.shape[0], math.prod(x.shape[1:])):
        return net.add(nn.Flatten(), x)
    return net.part(x, shape)


def _shuffled(net: Network, x: Value, shape: Shape) -> Value:
    """A channel shuffle: channels that become (groups, channels of one), change places, and are one axis again."""
    (grouped,) = x.reads
    if isinstance(x.layer, Part) and x.layer.detail == (0, 2, 1, 3, 4) and is_part(grouped, "Reshape"):
        (images,) = grouped.reads
        if images.shape == shape and grouped.shape[3:] == shape[2:]:
            return net.add(nn.ChannelShuffle(grouped.shape[1]), images)
    return net.part(x, shape)


def transpose(net: Network, x: Input, *, perm: Sequence[int] | None = None) -> Value:
    batch = value(x)
    order = tuple(range(len(batch.shape)))[::-1] if perm is None else tuple(perm)
    if order == tuple(range(len(batch.shape))):
        return batch
    return net.part(batch, tuple(batch.shape[axis] for axis in order), order)


def shape_of(net: Network, x: Input, *, start: int = 0, end: int | None = None) -> NDArray[np.int64]:
    return np.array(value(x).shape[start:end], np.int64)


def identity(net: Network, x: Input) -> Input:
    return x


def dropout(net: Network, x: Input, ratio: Input | None = None, training_mode: Input | None = None, *,
            seed: int = 0) -> Value:
    if training_mode is not None and np.any(constant("training_mode", training_mode)):
        raise UnsupportedError("its training_mode is not supported")
    return net.add(nn.Dropout(0.5 if ratio is None else float(constant("ratio", ratio).item())), value(x))


LAYERS = {"Dropout": dropout, "Flatten": flatten, "Identity": identity, "Reshape": reshape, "Shape": shape_of,
          "Squeeze": squeeze, "Transpose": transpose, "Unsqueeze": unsqueeze}
