"""Normalisations of each image by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.onnx.lowering.expect import Input, constant, value
from fastconv.onnx.network import Network, Value, is_part
from fastconv.onnx.signature import only


def group_normalization(net: Network, x: Input, scale: Input, bias: Input, *, epsilon: float = 1e-5, num_groups: int,
                        stash_type: int = 1) -> Value:
    """scale and bias: one value a channel, or before opset 21 one a group."""
    only("stash_type", stash_type, 1)
    return _group_norm(net, value(x), num_groups, constant("the scale", scale, 1), constant("the bias", bias, 1),
                       epsilon)


def instance_normalization(net: Network, x: Input, scale: Input, bias: Input, *, epsilon: float = 1e-5) -> Value:
    """With each channel a group; or of images that a Reshape has made (N, groups, L), with these."""
    batch, arrays = value(x), (constant("the scale", scale, 1), constant("the bias", bias, 1))
    if len(batch.shape) == 3 and is_part(batch, "Reshape"):
        (images,) = batch.reads
        return net.part(_group_norm(net, images, batch.shape[1], *arrays, epsilon), batch.shape)
    return _group_norm(net, batch, batch.shape[1], *arrays, epsilon)


def layer_normalization(net: Network, x: Input, scale: Input, bias: Input | None = None, *, axis: int = -1,
                        epsilon: float = 1e-5, stash_type: int = 1) -> Value:
    only("stash_type", stash_type, 1)
    batch = value(x)
    if axis % len(batch.shape) != 1:
        raise UnsupportedError(f"a normalisation of whole images is supported, axis 1, found axis {axis}")
    weight = constant("the scale", scale)
    shift = np.zeros_like(weight) if bias is None else constant("the bias", bias)
    return net.add(nn.LayerNorm(batch.shape[1:], epsilon), batch, state={
        name: np.broadcast_to(each, batch.shape[1:]) for name, each in (("weight", weight), ("bias", shift))})


def with_affine(net: Network, x: Value, scale: NDArray[np.float32], shift: NDArray[np.float32]) -> Value | None:
    """scale x + shift, where a group normalisation made x, whose weight and bias they become; None elsewhere."""
    if not isinstance(x.layer, nn.GroupNorm):
        return None
    state = x.layer.state_dict()
    scale, shift = (np.broadcast_to(each.reshape(-1), state["bias"].shape) for each in (scale, shift))
    new = nn.GroupNorm(x.layer.num_groups, x.layer.num_channels, x.layer.eps)
    return net.add(new, *x.reads, state={"weight": state["weight"] * scale, "bias": state["bias"] * scale + shift},
                   name=x.name)


def _group_norm(net: Network, x: Value, groups: int, scale: NDArray[np.float32], bias: NDArray[np.float32],
                eps: float) -> Value:
    channels = x.shape[1]
    if groups < 1 or any(channels % count for count in (groups, scale.size, bias.size)):
        raise UnsupportedError(f"expected groups, scale and bias that {channels} channels are a multiple of, found "
                               f"{groups}, {scale.shape} and {bias.shape}")
    return net.add(nn.GroupNorm(groups, channels, eps), x, state={
        name: np.repeat(each, channels // each.size) for name, each in (("weight", scale), ("bias", bias))})


LAYERS = {"GroupNormalization": group_normalization, "InstanceNormalization": instance_normalization,
          "LayerNormalization": layer_normalization}
