"""Conv and ConvTranspose, along one or two axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastconv import functional
from fastconv.errors import OnnxError
from fastconv.functional import Array
from fastconv.onnx.signature import only
from fastconv.onnx.tensors import check_size
from fastconv.onnx.windows import Windows, windows


def conv(x: Array, weight: Array, bias: Array | None = None, *, auto_pad: str = "NOTSET",
         dilations: Sequence[int] | None = None, group: int = 1, kernel_shape: Sequence[int] | None = None,
         pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Array:
    """x (N, C, …), weight (C_out, C / group, …), bias (C_out,)"""
    expect_kernel(kernel_shape, weight)
    axes = windows(x.shape[2:], weight.shape[2:], strides, dilations, pads, auto_pad)
    window = axes.along_two
    y = functional.conv2d(_images(x), _images(weight), bias, window.stride, window.padding, window.dilation, group)
    return y if x.ndim == 4 else y[:, :, 0]


def conv_transpose(x: Array, weight: Array, bias: Array | None = None, *, auto_pad: str = "NOTSET",
                   dilations: Sequence[int] | None = None, group: int = 1, kernel_shape: Sequence[int] | None = None,
                   output_padding: Sequence[int] | None = None, output_shape: Sequence[int] | None = None,
                   pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Array:
    """x (N, C, …), weight (C, C_out / group, …), bias (C_out,): the input gradient of a convolution of that weight."""
    expect_kernel(kernel_shape, weight)
    axes, before, size = transposed(x.shape[2:], weight.shape[2:], strides, dilations, pads, auto_pad, output_padding,
                                    output_shape)
    whole = whole_size(x.shape[2:], axes)
    shape, window = (len(x), weight.shape[1] * group), axes.along_two
    check_size(*shape, *whole)
    check_size(*shape, *size)
    full = functional.conv2d_input_grad(_images(x), _images(weight), (*shape, *(1, *whole)[-2:]), window.stride, 0,
                                        window.dilation, group).reshape(*shape, *whole)
    y = np.zeros((*shape, *size), np.float32)
    target, source = [slice(None)] * 2, [slice(None)] * 2
    for cut, extent, available in zip(before, size, whole, strict=True):
        start = max(-cut, 0)
        count = max(min(extent - start, available - max(cut, 0)), 0)
        target.append(slice(start, start + count))
        source.append(slice(max(cut, 0), max(cut, 0) + count))
    y[tuple(target)] = full[tuple(source)]
    return y if bias is None else y + bias.reshape(-1, *(1,) * len(size))


def transposed(size: Sequence[int], kernel: Sequence[int], strides: Sequence[int] | None,
               dilations: Sequence[int] | None, pads: Sequence[int] | None, auto_pad: str,
               output_padding: Sequence[int] | None,
               output_shape: Sequence[int] | None) -> tuple[Windows, list[int], list[int]]:
    """The windows of a transposed convolution, what is cut off before its output, and the output's size."""
    only("auto_pad", auto_pad, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    ones = (1,) * len(size)
    axes = Windows(tuple(kernel), tuple(strides or ones), tuple(dilations or ones), ((0, 0),) * len(size),
                   (0,) * len(size))
    whole, extra = whole_size(size, axes), output_padding or (0,) * len(size)
    if pads is None or auto_pad != "NOTSET":
        pads = (0,) * (2 * len(size))
    before, after = list(pads[:len(size)]), list(pads[len(size):])
    made = [w + e - b - a for w, e, b, a in zip(whole, extra, before, after, strict=True)]
    if output_shape is not None or auto_pad.startswith("SAME"):
        made = [n * step for n, step in zip(size, axes.strides, strict=True)]
        made = made if output_shape is None else list(output_shape[-len(size):])
        cut = [w + e - m for w, e, m in zip(whole, extra, made, strict=True)]
        before = [c // 2 if auto_pad == "SAME_UPPER" else c - c // 2 for c in cut]
    if min(made) < 1:
        raise OnnxError(f"expected an output that is not empty, found {made}")
    return axes, before, made


def whole_size(size: Sequence[int], axes: Windows) -> list[int]:
    """What a transposed convolution makes of an image of `size` before anything is cut off."""
    return [(n - 1) * step + (k - 1) * d + 1
            for n, k, step, d in zip(size, axes.kernel, axes.strides, axes.dilations, strict=True)]


def expect_kernel(kernel_shape: Sequence[int] | None, weight: Array) -> None:
    """Raises OnnxError where an attribute says that the weight has another shape."""
    if kernel_shape is not None and tuple(kernel_shape) != weight.shape[2:]:
        raise OnnxError(f"expected a kernel {tuple(kernel_shape)}, found the weight {weight.shape}")


def _images(x: Array) -> Array:
    """Rows of pixels as images of height 1, images as they are."""
    return x[:, :, None] if x.ndim == 3 else x


OPERATORS = {"Conv": conv, "ConvTranspose": conv_transpose}
