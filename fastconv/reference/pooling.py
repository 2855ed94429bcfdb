"""Max and average pooling, with their gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastconv.reference.window import Array, Window
from fastconv.shapes import IntPair


def max_pool2d(x: Array, kernel_size: IntPair, stride: IntPair | None = None,
               padding: IntPair = 0, ceil_mode: bool = False) -> tuple[Array, NDArray[np.int64]]:
    """The maximum of each window of x: (N, C, H, W), and its place h · W + w; both (N, C, H_out, W_out).

    Padding never wins; of equal maxima the first one does; NaN wins over everything, the last one of several.
    """
    window = Window.of_pooling(kernel_size, stride, padding, ceil_mode).reaching(x)
    height, width = x.shape[2:]
    places = np.arange(height * width, dtype=np.int64).reshape(height, width)
    y = np.full((*x.shape[:2], *window.output_size(x)), -np.inf, x.dtype)
    argmax = np.full(y.shape, -1)
    taps_of_x, taps_of_places = window.taps(window.pad(x, -np.inf)), window.taps(window.pad(places, -1))
    for (_, _, pixels), (_, _, here) in zip(taps_of_x, taps_of_places, strict=True):
        # The first pixel wins even if it is -inf; padding is overtaken, as it leaves argmax at -1.
        wins = (pixels > y) | np.isnan(pixels) | (argmax < 0)
        y = np.where(wins, pixels, y)
        argmax = np.where(wins, here, argmax)
    return y, argmax


def max_pool2d_grad(dy: Array, argmax: NDArray[np.int64], input_shape: tuple[int, int, int, int]) -> Array:
    """dx, of shape input_shape (N, C, H, W): dy at the places of the maxima, both (N, C, H_out, W_out)."""
    n, c, height, width = input_shape
    dx = np.zeros((n, c, height * width), dy.dtype)
    image, channel = np.ogrid[:n, :c]
    for h, w in np.ndindex(dy.shape[2:]):
        dx[image, channel, argmax[:, :, h, w]] += dy[:, :, h, w]
    return dx.reshape(input_shape)


def avg_pool2d(x: Array, kernel_size: IntPair, stride: IntPair | None = None, padding: IntPair = 0,
               ceil_mode: bool = False, count_include_pad: bool = True) -> Array:
    """The mean of each window of x: (N, C, H, W), padding counted as zeros or not at all: (N, C, H_out, W_out)."""
    window = Window.of_pooling(kernel_size, stride, padding, ceil_mode)
    reaching = window.reaching(x)
    y = np.zeros((*x.shape[:2], *window.output_size(x)), x.dtype)
    for _, _, pixels in reaching.taps(reaching.pad(x)):
        y += pixels
    return y / counts(window, x, count_include_pad)


def avg_pool2d_grad(dy: Array, input_shape: tuple[int, int, int, int], kernel_size: IntPair,
                    stride: IntPair | None = None, padding: IntPair = 0, ceil_mode: bool = False,
                    count_include_pad: bool = True) -> Array:
    """dx, of shape input_shape (N, C, H, W): each pixel's share of dy: (N, C, H_out, W_out)."""
    window, dx = Window.of_pooling(kernel_size, stride, padding, ceil_mode), np.zeros(input_shape, dy.dtype)
    reaching = window.reaching(dx)
    padded = reaching.pad(dx)
    share = dy / counts(window, dx, count_include_pad)
    for _, _, pixels in reaching.taps(padded):
        pixels += share
    return reaching.crop(padded)


def counts(window: Window, x: Array, count_include_pad: bool) -> Array:
    """The pixels that count in the mean of each window, those of the padding perhaps, but none beyond."""
    reaching, counting = window.reaching(x), window.pad(np.ones(x.shape[2:], x.dtype), count_include_pad)
    top, bottom, left, right = (most - own for most, own in zip(reaching.padding, window.padding, strict=True))
    beyond, counts = replace(window, padding=(top, bottom, left, right)), np.zeros(window.output_size(x), x.dtype)
    for _, _, pixels in reaching.taps(beyond.pad(counting)):
        counts += pixels
    return counts
