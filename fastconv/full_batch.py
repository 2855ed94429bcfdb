"""Training a model on all images at once, by a deterministic method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.parameter import Parameter
from fastconv.errors import DataError
from fastconv.gradient import value_and_grad
from fastconv.nn.images import check_images
from fastconv.nn.layer import Layer
from fastconv.nn.loss import Loss, check_targets
from fastconv.optim.method import Method
from fastconv.optim.minimize import Result, minimize
from fastconv.optim.objective import Point, Vector

#: Images whose activations are in memory together. From 1024 to 20,000, LeNet-5's loss and gradient are equally fast.
CHUNK = 4096


def fit_full_batch(model: Layer, loss: Loss, x: NDArray[Any], targets: Any, method: Method | None = None,
                   tolerance: float = 1e-6, max_iterations: int = 100,
                   callback: Callable[[Point], object] | None = None) -> Result:
    """Minimises the mean loss over all images by the trainable parameters, as `optim.minimize` does; returns its
    result, whose x holds them in the order of the state dict.

    x: (N, C, H, W) uint8 or float32, taken as by `value_and_grad`.  targets: what the loss takes.
    The model is left with the parameters of the lowest loss, also where the run is interrupted. Its float32 rounds the
    loss to some seven digits; where a step gains less, no line search can tell, and the run ends there.
    """
    images = check_images(x)
    if len(images) == 0:
        raise DataError(f"expected at least one image, got {images.shape}")
    expected = check_targets(model, loss, images, targets)
    parameters = _trainable(model)
    if not parameters:
        raise DataError("the model has no trainable parameters")
    best = start = _flat({name: parameter.array for name, parameter in parameters.items()}, parameters)

    def f(vector: Vector) -> tuple[float, Vector]:
        _set(parameters, vector)
        total, gradient = 0.0, np.zeros(vector.size)
        for first in range(0, len(images), CHUNK):
            part = slice(first, first + CHUNK)
            value, grads = value_and_grad(model, loss, images[part], expected[part])
            total += len(images[part]) * value
            gradient += len(images[part]) * _flat(grads, parameters)
        return total / len(images), gradient / len(images)

    def follow(point: Point) -> None:
        nonlocal best
        best = point.x
        if callback is not None:
            callback(point)

    try:
        return minimize(f, start, method=method, tolerance=tolerance, max_iterations=max_iterations, callback=follow)
    finally:
        _set(parameters, best)


def _trainable(model: Layer) -> dict[str, Parameter]:
    named = model.parameters()
    trainable = {parameter for _, leaf in model.leaves() if leaf.trainable for parameter in leaf.parameters().values()}
    return {name: parameter for name, parameter in named.items() if parameter in trainable}


def _flat(arrays: dict[str, NDArray[np.float32]], names: dict[str, Parameter]) -> Vector:
    return np.concatenate([arrays[name].ravel() for name in names]).astype(np.float64)


def _set(parameters: dict[str, Parameter], vector: Vector) -> None:
    start = 0
    for parameter in parameters.values():
        end = start + parameter.array.size
        parameter.set(vector[start:end].reshape(parameter.array.shape))
        start = end
