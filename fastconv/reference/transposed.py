"""The transposed convolution with its gradients.

y[n, o, h·s - p + kh·d, w·s - p + kw·d] is the sum of bias[o] and all weight[c, o, kh, kw] · x[n, c, h, w] that land
there, where o runs over the outputs of c's group: the gradient of a convolution's input (Dumoulin & Visin 2016,
section 4). In the subscripts of einsum, g is the group, c an input channel and o an output channel of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastconv.reference.convolution import merge, split
from fastconv.reference.window import Array, Window
from fastconv.shapes import IntPair, pair


def conv_transpose2d(x: Array, weight: Array, bias: Array | None = None, stride: IntPair = 1, padding: IntPair = 0,
                     output_padding: IntPair = 0, groups: int = 1, dilation: IntPair = 1) -> Array:
    """y: (N, C_out, H_out, W_out) of x: (N, C, H, W), weight: (C, C_out / groups, kh, kw), bias: (C_out,)."""
    window = Window.of_convolution(weight.shape[2:], stride, padding, dilation)
    size = [(x.shape[2 + i] - 1) * window.stride[i] + window.dilation[i] * (window.kernel_size[i] - 1) + 1
            - 2 * window.padding[2 * i] + pair("output_padding", output_padding, least=0)[i] for i in (0, 1)]
    by_group = split(weight, 0, groups)
    padded = split(window.pad(np.zeros((len(x), groups * weight.shape[1], *size), x.dtype)), 1, groups)
    for kh, kw, pixels in _taps(window, padded, x):
        pixels += np.einsum("ngchw,gco->ngohw", split(x, 1, groups), by_group[..., kh, kw])
    y = merge(window.crop(padded))
    return y if bias is None else y + bias[:, None, None]


def conv_transpose2d_input_grad(dy: Array, weight: Array, input_shape: tuple[int, int, int, int], stride: IntPair = 1,
                                padding: IntPair = 0, groups: int = 1, dilation: IntPair = 1) -> Array:
    """dx, of shape input_shape (N, C, H, W), from dy: (N, C_out, H_out, W_out)."""
    window = Window.of_convolution(weight.shape[2:], stride, padding, dilation)
    dx, by_group = split(np.zeros(input_shape, dy.dtype), 1, groups), split(weight, 0, groups)
    for kh, kw, pixels in _taps(window, split(window.pad(dy), 1, groups), dx):
        dx += np.einsum("ngohw,gco->ngchw", pixels, by_group[..., kh, kw])
    return merge(dx)


def conv_transpose2d_weight_grad(x: Array, dy: Array, kernel_size: IntPair, stride: IntPair = 1, padding: IntPair = 0,
                                 groups: int = 1, dilation: IntPair = 1) -> Array:
    """dw: (C, C_out / groups, kh, kw) from x: (N, C, H, W) and dy: (N, C_out, H_out, W_out)."""
    window = Window.of_convolution(kernel_size, stride, padding, dilation)
    dw = np.zeros((groups, x.shape[1] // groups, dy.shape[1] // groups, *window.kernel_size), dy.dtype)
    for kh, kw, pixels in _taps(window, split(window.pad(dy), 1, groups), x):
        dw[..., kh, kw] = np.einsum("ngchw,ngohw->gco", split(x, 1, groups), pixels)
    return dw.reshape(-1, *dw.shape[2:])


def _taps(window: Window, padded: Array, x: Array) -> Iterator[tuple[int, int, Array]]:
    """For each tap the pixels of the padded output that those of x go to; output padding may leave some over."""
    for kh, kw, pixels in window.taps(padded):
        yield kh, kw, pixels[..., : x.shape[-2], : x.shape[-1]]
