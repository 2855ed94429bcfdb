"""Saved models that are run by NumPy."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.infer.layers import compute
from fastconv.infer.layout import images_inner
from fastconv.nn.images import check_images
from fastconv.nn.layer import Expansion, Layer
from fastconv.serialization import load as load_layers

#: Bytes that the largest value of a network takes for as many images as are computed at once, and the most images.
CHUNK_BYTES, MOST_IMAGES = 1 << 21, 64


def load(path: str | os.PathLike[str]) -> Model:
    """The model in a file written by `fastconv.save`.

    Raises CheckpointError for anything else, and TypeError, naming the layer, where NumPy's inference lacks one.
    """
    return Model(load_layers(path))


class Model:
    """A network for inference: model(x) for x (N, C, H, W) uint8 or float32 returns (N, ...) float32.

    mean, std, classes, input_shape: as the network's.
    """

    def __init__(self, network: Layer) -> None:
        self.mean, self.std = network.mean, network.std
        self.classes, self.input_shape = network.classes, network.input_shape
        network.parameters()  # draws those that were never set
        self._network = network.expansion()
        for node in self._network.nodes:
            if not is_computed(node.layer):
                raise TypeError(f'{type(node.layer).__name__} "{node.name}" cannot be computed by NumPy: '
                                "fastconv.infer.compute has no function for it")

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        images = check_images(x)
        shapes = self._network.shapes(images.shape)
        results = np.empty(shapes[self._network.output], np.float32)
        largest = max(int(np.prod(shape[1:])) for shape in shapes)
        chunk = min(MOST_IMAGES, max(1, CHUNK_BYTES // (4 * largest)))
        for start in range(0, len(images), chunk):
            results[start:start + chunk] = self._compute(self._prepared(images[start:start + chunk]))
        return results

    def expansion(self) -> Expansion:
        """Everything the network computes, in order."""
        return self._network

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what the network makes of a batch of `shape`, both with N; ShapeError where it cannot."""
        return self._network.shapes(shape)[self._network.output]

    def _prepared(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """The images as float32, normalised if they were uint8, side by side in memory."""
        pixels = images_inner(images)
        if images.dtype != np.uint8:
            return pixels
        pixels = pixels.astype(np.float32)
        pixels *= np.float32(1 / 255)
        if self.mean is not None and self.std is not None:
            pixels -= self.mean[:, None, None]
            pixels /= self.std[:, None, None]
        return pixels

    def _compute(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        made: dict[int, NDArray[np.float32]] = {0: x}
        readers = self._network.readers
        for value, node in enumerate(self._network.nodes, 1):
            made[value] = compute(node.layer, *(made[each] for each in node.inputs))
            readers.subtract(node.inputs)
            for each in node.inputs:
                if readers[each] == 0:
                    made.pop(each, None)
        return made[self._network.output]


def is_computed(layer: Layer) -> bool:
    """Whether `compute` has a function for a layer."""
    return compute.dispatch(type(layer)) is not compute.dispatch(object)
