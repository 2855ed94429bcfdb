"""The layers of a network whose maps are worth looking at."""

from __future__ import annotations

import numpy as np

from fastconv.nn.acon import MetaAconC
from fastconv.nn.activation import Elementwise
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.convolution import Conv2d
from fastconv.nn.graph import Add
from fastconv.nn.layer import Layer, Shape


def stages(model: Layer, input_shape: Shape, most: int = 4) -> list[str]:
    """The names of layers where something new has been seen of images (C, H, W): convolutions with all that follows
    them pixel by pixel. Of more than `most`, some from the first to the last; those without maps are left out."""
    network = model.expansion()
    shapes, readers = network.shapes((1, *input_shape)), network.readers
    ends: set[int] = set()
    for value, node in enumerate(network.nodes, 1):
        goes_on = isinstance(node.layer, Elementwise | MetaAconC | BatchNorm2d | Add)
        before = next((source for source in reversed(node.inputs) if source in ends and readers[source] == 1), None)
        if goes_on and before is not None:
            ends.remove(before)
        if isinstance(node.layer, Conv2d) or (goes_on and before is not None):
            ends.add(value)
    maps = [value for value in sorted(ends) if max(shapes[value][2:]) > 1]
    chosen = np.linspace(0, len(maps) - 1, min(most, len(maps))).round().astype(int)
    return [network.nodes[maps[each] - 1].name for each in chosen]
