"""Convolution: forward, input gradient, weight gradient, bias gradient, and the forward by im2col.

y[n, o, h, w] = bias[o] + Σ_{c, kh, kw} weight[o, c, kh, kw] · x[n, c, h·s - p + kh·d, w·s - p + kw·d],
where c runs over the channels of o's group, and x is 0 outside the image.

In the subscripts of einsum, g is the group, o an output channel and c an input channel of it.
"""

from __future__ import annotations

import numpy as np

from fastconv.reference.window import Array, Window
from fastconv.shapes import IntPair, Padding


def conv2d(x: Array, weight: Array, bias: Array | None = None, stride: IntPair = 1, padding: Padding = 0,
           dilation: IntPair = 1, groups: int = 1) -> Array:
    """y: (N, C_out, H_out, W_out) of x: (N, C, H, W), weight: (C_out, C / groups, kh, kw), bias: (C_out,)."""
    window = Window.of_convolution(weight.shape[2:], stride, padding, dilation)
    padded, by_group = split(window.pad(x), 1, groups), split(weight, 0, groups)
    y = np.zeros((len(x), groups, len(weight) // groups, *window.output_size(x)), x.dtype)
    for kh, kw, pixels in window.taps(padded):
        y += np.einsum("ngchw,goc->ngohw", pixels, by_group[..., kh, kw])
    return _add_bias(merge(y), bias)


def conv2d_input_grad(dy: Array, weight: Array, input_shape: tuple[int, int, int, int], stride: IntPair = 1,
                      padding: Padding = 0, dilation: IntPair = 1, groups: int = 1) -> Array:
    """dx, of shape input_shape (N, C, H, W), from dy: (N, C_out, H_out, W_out)."""
    window = Window.of_convolution(weight.shape[2:], stride, padding, dilation)
    dy, by_group = split(dy, 1, groups), split(weight, 0, groups)
    padded = split(window.pad(np.zeros(input_shape, dy.dtype)), 1, groups)
    for kh, kw, pixels in window.taps(padded):
        pixels += np.einsum("ngohw,goc->ngchw", dy, by_group[..., kh, kw])
    return merge(window.crop(padded))


def conv2d_weight_grad(x: Array, dy: Array, kernel_size: IntPair, stride: IntPair = 1, padding: Padding = 0,
                       dilation: IntPair = 1, groups: int = 1) -> Array:
    """dw: (C_out, C / groups, kh, kw) from x: (N, C, H, W) and dy: (N, C_out, H_out, W_out)."""
    window = Window.of_convolution(kernel_size, stride, padding, dilation)
    padded, dy = split(window.pad(x), 1, groups), split(dy, 1, groups)
    dw = np.zeros((groups, dy.shape[2], padded.shape[2], *window.kernel_size), dy.dtype)
    for kh, kw, pixels in window.taps(padded):
        dw[..., kh, kw] = np.einsum("ngohw,ngchw->goc", dy, pixels)
    return dw.reshape(-1, *dw.shape[2:])


def conv2d_bias_grad(dy: Array) -> Array:
    """db: (C_out,) from dy: (N, C_out, H_out, W_out)."""
    db: Array = dy.sum(axis=(0, 2, 3))
    return db


def im2col(x: Array, kernel_size: IntPair, stride: IntPair = 1, padding: Padding = 0,
           dilation: IntPair = 1) -> Array:
    """The pixels each output sees, one column an output: (N, C · kh · kw, H_out · W_out)."""
    window = Window.of_convolution(kernel_size, stride, padding, dilation)
    columns = np.empty((*x.shape[:2], *window.kernel_size, *window.output_size(x)), x.dtype)
    for kh, kw, pixels in window.taps(window.pad(x)):
        columns[:, :, kh, kw] = pixels
    return columns.reshape(len(x), -1, columns.shape[4] * columns.shape[5])


def conv2d_im2col(x: Array, weight: Array, bias: Array | None = None, stride: IntPair = 1, padding: Padding = 0,
                  dilation: IntPair = 1, groups: int = 1) -> Array:
    """As `conv2d`, as matrix products of the weights and the columns (Chellapilla et al. 2006, section 4)."""
    window = Window.of_convolution(weight.shape[2:], stride, padding, dilation)
    columns = split(im2col(x, weight.shape[2:], stride, padding, dilation), 1, groups)
    rows = weight.reshape(groups, len(weight) // groups, -1)
    y: Array = rows @ columns
    return _add_bias(y.reshape(len(x), len(weight), *window.output_size(x)), bias)


def split(array: Array, axis: int, groups: int) -> Array:
    """`array` with the channels on `axis` as two axes: (groups, channels of a group)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


def merge(array: Array) -> Array:
    """(N, groups, channels of a group, H, W) as (N, C, H, W)."""
    n, groups, channels, height, width = array.shape
    return array.reshape(n, groups * channels, height, width)


def _add_bias(y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + bias[:, None, None]
