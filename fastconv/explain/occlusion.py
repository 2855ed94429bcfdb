"""What in an image a class depends on, by covering it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.nn.images import check_images
from fastconv.nn.layer import Layer
from fastconv.probabilities import probabilities_of
from fastconv.shapes import IntPair, integer, pair

#: Covered images that are computed together.
BATCH = 2048


def occlusion(model: Layer, x: NDArray[Any], classes: ArrayLike, size: IntPair, stride: int = 1,
              value: float | None = None) -> NDArray[np.float32]:
    """How far a class's probability falls when a rectangle hides some of the image (Zeiler & Fergus 2014, section 4.2).

    (N, ⌈H / stride⌉, ⌈W / stride⌉): the rectangle is centred on every stride-th pixel, and ends where the image does.
    x: (N, C, H, W) uint8 or float32.  classes: one for all images, or (N,).  size: of the rectangle.
    value: what it is filled with, by default the mean of the images that the model was trained on.
    """
    images, extent = check_images(x), pair("size", size)
    chosen = np.broadcast_to(np.asarray(classes), len(images))
    integer("stride", stride)
    fill = mean_pixel(model, images) if value is None else np.full(images.shape[1], value, images.dtype)
    corners = list(_rectangles(images.shape[2:], extent, stride))
    shape = len(range(0, images.shape[2], stride)), len(range(0, images.shape[3], stride))
    probabilities = probabilities_of(model)
    falls = np.empty((len(images), len(corners)), np.float32)
    for image, label, fall in zip(images, chosen, falls, strict=True):
        whole = probabilities(model(image[None]))[0, label]
        for start in range(0, len(corners), BATCH):
            some = corners[start:start + BATCH]
            covered = np.repeat(image[None], len(some), axis=0)
            for each, (rows, cols) in zip(covered, some, strict=True):
                each[:, rows, cols] = fill[:, None, None]
            fall[start:start + BATCH] = whole - probabilities(model(covered))[:, label]
    return falls.reshape(-1, *shape)


def mean_pixel(model: Layer, images: NDArray[Any]) -> NDArray[Any]:
    """(C,): the mean of the images that the model was trained on, as pixels of the kind of `images`."""
    if images.dtype == np.uint8 and model.mean is not None:
        return np.rint(255 * model.mean).astype(np.uint8)
    return np.zeros(images.shape[1], images.dtype)  # prepared images have mean 0


def _rectangles(size: tuple[int, ...], extent: tuple[int, int], stride: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each rectangle, in order."""
    for row in range(0, size[0], stride):
        for col in range(0, size[1], stride):
            top, left = row - extent[0] // 2, col - extent[1] // 2
            yield slice(max(top, 0), top + extent[0]), slice(max(left, 0), left + extent[1])
