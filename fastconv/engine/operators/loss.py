"""Losses: one value an image, and the gradient of the batch's mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.tensor import Tensor
from fastconv.kernels import loss as kernels
from fastconv.layout import LANES

KERNELS = {"cross_entropy": kernels.cross_entropy, "mse": kernels.mse}


@dataclass(frozen=True)
class Losses:
    """Of each image: its loss (float32), and whether the largest output is the right one (uint8); and the mean loss."""

    values: Buffer
    correct: Buffer
    mean: np.ndarray


def loss(builder: Builder, x: Tensor, name: str, smoothing: float = 0.0, guard: bool = False) -> Losses:
    """guard: no parameter changes where the mean loss is no finite number."""
    losses = Losses(Buffer(4 * LANES, per_group=True), Buffer(LANES, per_group=True), np.zeros(1))
    place = x.place
    builder.call(KERNELS[name], x=x.buffer, dx=x.new_grad().buffer, losses=losses.values, correct=losses.correct,
                 batch=builder.batch, channels=place.channels, height=place.height, width=place.width, row=place.row,
                 plane=place.plane, smoothing=smoothing, **builder.mixture)
    builder.summary(kernels.mean_loss, losses=losses.values, mean=Fixed(losses.mean), batch=builder.batch,
                    guard=guard)
    return losses
