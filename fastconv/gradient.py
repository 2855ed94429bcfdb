"""Loss and gradients of a model, without changing it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.threads import get_num_threads
from fastconv.errors import DataError
from fastconv.layout import whole_lanes
from fastconv.nn.images import check_images
from fastconv.nn.layer import Layer
from fastconv.nn.loss import Loss, check_targets
from fastconv.nn.sessions import LossSession


def value_and_grad(model: Layer, loss: Loss, x: NDArray[Any],
                   targets: Any) -> tuple[float, dict[str, NDArray[np.float32]]]:
    """The mean loss of a batch and its gradient by every trainable parameter, keyed as the state dict.

    x: (N, C, H, W) uint8 or float32.  targets: what the loss takes.
    """
    images = check_images(x)
    if len(images) == 0:
        raise DataError(f"expected at least one image, got {images.shape}")
    expected = check_targets(model, loss, images, targets)
    names, trainable = model.parameters(), tuple(leaf.trainable for _, leaf in model.leaves())
    key = repr(loss), images.shape[1:], images.dtype, whole_lanes(len(images)), get_num_threads(), trainable

    def make() -> LossSession:
        return LossSession(model, loss, images.shape, images.dtype, len(images), training=True)

    with model._sessions.session(key, make) as session:
        session.run(len(images), images, targets=expected)
        gradients = {name: session.gradients[parameter].reshape(parameter.array.shape).copy()
                     for name, parameter in names.items() if parameter in session.gradients}
        return session.mean_loss, gradients
