"""Programs of whole models: for inference, for evaluation, and for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine import operators
from fastconv.engine.augmentation import Augmentation
from fastconv.engine.builder import Builder
from fastconv.engine.operators import planes, winograd
from fastconv.engine.parameter import Parameter
from fastconv.engine.session import Session
from fastconv.engine.tensor import Tensor
from fastconv.engine.update import Update
from fastconv.errors import ShapeError
from fastconv.kernels.abi import TARGETS
from fastconv.layout import whole_lanes
from fastconv.nn.convolution import Conv2d
from fastconv.nn.fusion import fused
from fastconv.nn.layer import Layer, Shape
from fastconv.nn.loss import Loss
from fastconv.nn.lowering import lower
from fastconv.nn.planes import lower_alone
from fastconv.nn.windows import conv_window
from fastconv.simd.blocking import GRADIENT_COLS

#: How many times as fast Winograd's algorithm is where it is chosen, about.
WINOGRAD_GAIN = 2


class InferenceSession(Session):
    """Writes a model's outputs for batches of `shape` (N, ...), with any N, to the batch's results."""

    def __init__(self, model: Layer, shape: Shape, dtype: Any) -> None:
        builder = Builder()
        x, self.output_shape = _emit(model, builder, shape, dtype, training=False)
        builder.output(x)
        super().__init__(builder)


class AloneSession(Session):
    """As InferenceSession, for a few images, each computed by itself.

    Raises NeedsLanes where that is not possible.  work: vectors of multiply-adds that one image costs, about.
    """

    def __init__(self, model: Layer, shape: Shape, dtype: Any, threads: int = 1) -> None:
        """threads: how many share an image; if several, a batch is a single one."""
        builder = Builder(lanes=1, threads=threads)
        x, self.output_shape = _emit(model, builder, shape, dtype, training=False)
        planes.result(builder, x)
        self.work = max(1.0, builder.work)
        super().__init__(builder)


class InputGradSession(Session):
    """Writes the gradient by the images of `shape` (N, ...), with any N, to the batch's results.

    The batch's targets are the gradients at the model's outputs. Nothing is computed as in training.
    """

    def __init__(self, model: Layer, shape: Shape, dtype: Any) -> None:
        builder = Builder(input_grad=True)
        y, self.output_shape = _emit(model, builder, shape, dtype, training=False)
        y.grad = builder.array(y.place.shape, TARGETS)
        builder.backward()
        assert builder.images is not None
        assert builder.images.grad is not None
        builder.output(builder.images.grad)
        super().__init__(builder)


class LossSession(Session):
    """Computes each image's loss; with `training` also the gradients, and with an update the new parameters."""

    def __init__(self, model: Layer, loss: Loss, shape: Shape, dtype: Any, capacity: int, training: bool = False,
                 update: Update | None = None, augment: Augmentation | None = None) -> None:
        builder = Builder(whole_lanes(capacity))
        x, self.output_shape = _emit(model, builder, shape, dtype, training, augment)
        loss.check_outputs(self.output_shape)
        losses = operators.loss(builder, x, loss.name, loss.label_smoothing, guard=update is not None)
        if training:
            builder.backward()
        super().__init__(builder, update)
        self._mean_loss = losses.mean
        self._losses = self.program.array_of(losses.values, np.float32)
        self._correct = self.program.array_of(losses.correct, np.uint8)
        self.gradients: dict[Parameter, NDArray[np.float32]] = {
            each.parameter: each.grad for each in builder.trained}

    @property
    def mean_loss(self) -> float:
        """Of the last batch. Where it is no finite number, no parameter has changed."""
        return float(self._mean_loss[0])

    def losses(self, count: int) -> NDArray[np.float32]:
        """The loss of each of the last batch's images."""
        return self._losses[:count]

    def correct(self, count: int) -> int:
        """In how many of the last batch's images the largest output is the right one."""
        return int(np.count_nonzero(self._correct[:count]))


def _emit(model: Layer, builder: Builder, shape: Shape, dtype: Any, training: bool,
          augment: Augmentation | None = None) -> tuple[Tensor, Shape]:
    """Emits the whole model for batches of `shape` (N, ...); returns its output and the shape of one of those."""
    model.parameters()  # draws those that were never set
    network = model.expansion()
    shapes = network.shapes(shape)
    image = shape[1:] if len(shape) == 4 else (shape[1], 1, 1)
    scale, shift = np.ones(image[0], np.float32), np.zeros(image[0], np.float32)
    if dtype == np.uint8:
        mean, std = (0, 1) if model.mean is None or model.std is None else (model.mean, model.std)
        if np.size(mean) not in (1, image[0]):
            raise ShapeError(f"the model normalises {np.size(mean)} channels, the images have {image[0]}")
        scale, shift = scale / (255 * np.float32(std)), shift - np.float32(mean) / np.float32(std)
    steps, alone = fused(network, training), builder.lanes == 1
    readers = Counter([network.output, *(value for step in steps for value in step.inputs)])
    first = [step.does for step in steps if 0 in step.inputs]
    halo = _halo(first) if training and readers[0] == 1 else (0, 0, 0, 0)
    if alone:
        x = planes.image(builder, image, dtype, scale, shift)
    elif augment is None:
        x = builder.input(image, dtype, scale, shift, halo)
    else:
        x = operators.augmented(builder, augment, image, dtype, scale, shift, halo)
    waiting = {0: _for_readers(builder, x, readers[0])}
    for step in steps:
        inputs = [waiting[value].pop() for value in step.inputs]
        builder.part = step.does
        y = lower_alone(step.does, builder, *inputs) if alone else lower(step.does, builder, *inputs, training=training)
        waiting[step.output] = _for_readers(builder, y, readers[step.output])
    builder.part = None
    return waiting[network.output].pop(), shapes[network.output][1:]


def lanes_work(model: Layer, shape: Shape) -> float:
    """What a group of 16 images costs with one in each lane, in vectors of multiply-adds, about."""
    network = model.expansion()
    shapes, total = network.shapes(shape), 0.0
    for value, node in enumerate(network.nodes, 1):
        layer, work = node.layer, float(node.layer.multiply_adds(shapes[value]))
        if isinstance(layer, Conv2d) and layer.algorithm == "auto":
            sources, targets = layer.in_channels // layer.groups, layer.out_channels // layer.groups
            _, _, height, width = shapes[value]
            if winograd.wins(sources, targets, conv_window(layer), (height, width)):
                work /= WINOGRAD_GAIN
        total += work
    return total


def _for_readers(builder: Builder, x: Tensor, readers: int) -> list[Tensor]:
    return [x] if readers == 1 else operators.fan_out(builder, x, readers)


def _halo(readers: Sequence[Any]) -> tuple[int, int, int, int]:
    """Zeros around the images for a convolution, whose weight gradient is faster with them if channels are few."""
    match readers:
        case [Conv2d() as first] if first.in_channels // first.groups < GRADIENT_COLS:
            return first.padding
    return 0, 0, 0, 0
