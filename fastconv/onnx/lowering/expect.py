"""What lowering expects of a node's inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import UnsupportedError
from fastconv.onnx.network import Value

#: An input of a node: what a layer makes, or a constant.
Input = Value | NDArray[Any]


def value(x: Input) -> Value:
    """x, which depends on the images. Raises UnsupportedError for a constant."""
    if not isinstance(x, Value):
        raise UnsupportedError("expected an input that depends on the images, found a constant")
    return x


def constant(name: str, x: Input, dimensions: int | None = None) -> NDArray[Any]:
    """x, which is the same for all images. Raises UnsupportedError for what a layer makes, or for other dimensions."""
    if isinstance(x, Value):
        raise UnsupportedError(f"expected {name} to be a constant, found one that depends on the images")
    if dimensions is not None and x.ndim != dimensions:
        raise UnsupportedError(f"expected {name} with {dimensions} dimensions, found {x.shape}")
    return x


def images(x: Input) -> Value:
    """x, which is (N, C, H, W)."""
    batch = value(x)
    if len(batch.shape) != 4:
        raise UnsupportedError(f"expected images (N, C, H, W), found {batch.shape}")
    return batch


def of_channels(name: str, x: Input, like: Value) -> NDArray[np.float32]:
    """A constant that broadcasts against (N, C, …), one value for all or one for each channel: as (1,) or (C,).

    Raises UnsupportedError for others.
    """
    array = constant(name, x)
    shape = (1,) * (len(like.shape) - array.ndim) + array.shape
    if shape not in ((1, channels, *(1,) * (len(like.shape) - 2)) for channels in (1, like.shape[1])):
        raise UnsupportedError(f"expected {name} to be a number or one for each channel of {like.shape}, "
                               f"found {array.shape}")
    return array.reshape(-1).astype(np.float32)
