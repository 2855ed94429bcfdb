"""Normalisations of x (N, C, …)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import OnnxError
from fastconv.onnx.signature import only

Values = NDArray[Any]


def batch_normalization(x: Values, scale: Values, bias: Values, mean: Values, variance: Values, *,
                        epsilon: float = 1e-5, momentum: float = 0.9, training_mode: int = 0) -> Any:
    """With running statistics; in training_mode with those of the batch, and beside it the running ones' new values."""
    if not training_mode:
        return _normalised(x, _of_channels(mean, x), _of_channels(variance, x), epsilon, scale, bias)
    along = (0, *range(2, x.ndim))
    own, spread = x.mean(axis=along), x.var(axis=along)
    y = _normalised(x, _of_channels(own, x), _of_channels(spread, x), epsilon, scale, bias)
    return y, *(old * momentum + new * (1 - momentum) for old, new in ((mean, own), (variance, spread)))


def instance_normalization(x: Values, scale: Values, bias: Values, *, epsilon: float = 1e-5) -> Values:
    along = tuple(range(2, x.ndim))
    return _normalised(x, x.mean(axis=along, keepdims=True), x.var(axis=along, keepdims=True), epsilon, scale, bias)


def group_normalization(x: Values, scale: Values, bias: Values, *, epsilon: float = 1e-5, num_groups: int,
                        stash_type: int = 1) -> Values:
    """scale and bias: one value a channel, or before opset 21 one a group."""
    only("stash_type", stash_type, 1)
    channels = x.shape[1]
    if num_groups < 1 or channels % num_groups or channels % scale.size or channels % bias.size:
        raise OnnxError(f"expected num_groups, scale and bias that {channels} channels are a multiple of, "
                        f"found {num_groups}, {scale.shape} and {bias.shape}")
    groups = x.reshape(len(x), num_groups, -1)
    mean, variance = groups.mean(axis=2, keepdims=True), groups.var(axis=2, keepdims=True)
    normalised = ((groups - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)
    scale, bias = (_of_channels(np.repeat(each, channels // each.size), x) for each in (scale, bias))
    return np.asarray(normalised * scale + bias, x.dtype)


def layer_normalization(x: Values, scale: Values, bias: Values | None = None, *, axis: int = -1,
                        epsilon: float = 1e-5, stash_type: int = 1) -> tuple[Values, Values, Values]:
    """Over all axes from `axis` on; beside it their mean and the inverse of their standard deviation."""
    only("stash_type", stash_type, 1)
    along = tuple(range(x.ndim))[axis:]
    mean = x.mean(axis=along, keepdims=True)
    inverse = 1 / np.sqrt(x.var(axis=along, keepdims=True) + x.dtype.type(epsilon))
    y = (x - mean) * inverse * scale
    return y if bias is None else y + bias, mean, inverse


def _normalised(x: Values, mean: Values, variance: Values, epsilon: float, scale: Values, bias: Values) -> Values:
    scale, bias = _of_channels(scale, x), _of_channels(bias, x)
    return np.asarray((x - mean) / np.sqrt(variance + x.dtype.type(epsilon)) * scale + bias, x.dtype)


def _of_channels(values: Values, x: Values) -> Values:
    """One value a channel, shaped to go with x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


OPERATORS = {"BatchNormalization": batch_normalization, "GroupNormalization": group_normalization,
             "InstanceNormalization": instance_normalization, "LayerNormalization": layer_normalization}
