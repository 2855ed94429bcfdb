"""The patches of images that excite a layer's neurons most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import ShapeError
from fastconv.explain.part import Part
from fastconv.explain.receptive_field import ReceptiveField, receptive_fields
from fastconv.nn.images import check_images
from fastconv.nn.layer import Layer, final_shape

#: Images whose activations are held at once.
BATCH = 1024


@dataclass(frozen=True)
class Patches:
    """Of each channel of a layer, the strongest activations in different images, the strongest first.

    images, rows, cols, values: (C, count): whose activation it is, where in the layer's map, and how strong.
    field: what each place of the map sees of an image.
    """

    images: NDArray[np.intp]
    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    values: NDArray[np.float32]
    field: ReceptiveField

    def patch(self, images: NDArray[Any], channel: int, rank: int) -> NDArray[Any]:
        """What the neuron saw of images (N, C, H, W): (C, h, w), smaller where its field reaches over the edge."""
        rows, cols = self.field.window(int(self.rows[channel, rank]), int(self.cols[channel, rank]))
        return np.asarray(images[self.images[channel, rank], :, rows, cols])


def top_patches(model: Layer, x: NDArray[Any], layer: str, count: int = 9) -> Patches:
    """The `count` images, and the place in each, that excite every channel of a layer most.

    So Zeiler & Fergus 2014 look for them (figure 2), who also project them back.
    x: (N, C, H, W) uint8 or float32.  layer: the name of a layer, whose activations are maps.
    """
    images, part = check_images(x), Part(model, layer)
    shape = final_shape(part, images.shape)
    if len(shape) != 4:
        raise ShapeError(f'top_patches: expected a layer that makes maps (N, C, H, W), "{layer}" makes {shape}')
    values, places = (np.empty((len(images), shape[1]), dtype) for dtype in (np.float32, np.intp))
    for start in range(0, len(images), BATCH):
        maps = part(images[start:start + BATCH]).reshape(-1, shape[1], shape[2] * shape[3])
        some = maps.argmax(axis=2)
        places[start:start + BATCH] = some
        values[start:start + BATCH] = np.take_along_axis(maps, some[:, :, None], axis=2)[:, :, 0]
    best = np.argsort(-values, axis=0, kind="stable")[:count].T
    channels = np.arange(shape[1])[:, None]
    rows, cols = np.divmod(places[best, channels], shape[3])
    field = receptive_fields(model, images.shape[1:])[layer]
    return Patches(best, rows, cols, values[best, channels], field)
