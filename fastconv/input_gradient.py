"""The gradient of a model's outputs by its images, without changing it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.threads import get_num_threads
from fastconv.errors import DtypeError, ShapeError
from fastconv.nn.images import check_images
from fastconv.nn.inference import CHUNK
from fastconv.nn.layer import Layer, final_shape
from fastconv.nn.sessions import InputGradSession


def input_grad(model: Layer, x: NDArray[Any], output_grad: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gradient of Σ output_grad · model(x) by the prepared images, shaped as x: torch.autograd.grad's.

    x: (N, C, H, W) uint8 or float32.  output_grad: float32, shaped as model(x). With a one where a class or a neuron is
    and zeros elsewhere it is that one's gradient.
    The model is as in inference. Prepared images are what uint8 ones become by its mean and std.
    """
    images, weights = check_images(x), np.asarray(output_grad)
    expected = final_shape(model, images.shape)
    if weights.dtype != np.float32:
        raise DtypeError(f"expected output_grad float32, got {weights.dtype}; "
                         "convert with output_grad.astype(np.float32)")
    if weights.shape != expected:
        raise ShapeError(f"expected output_grad of the shape of the model's outputs {expected}, got {weights.shape}")
    weights, results = np.ascontiguousarray(weights), np.empty(images.shape, np.float32)
    key = "input_grad", images.shape[1:], images.dtype, get_num_threads()

    def make() -> InputGradSession:
        return InputGradSession(model, images.shape, images.dtype)

    with model._sessions.session(key, make) as session:
        for start in range(0, len(images), CHUNK):
            session.run(min(CHUNK, len(images) - start), images[start:], targets=weights[start:],
                        results=results[start:])
    return results
