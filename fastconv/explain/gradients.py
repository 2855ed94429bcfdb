"""What in an image drives a class or a neuron, by gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.engine.builder import Builder
from fastconv.engine.operators.guided import guided_relu
from fastconv.engine.tensor import Tensor
from fastconv.explain.part import Part
from fastconv.input_gradient import input_grad
from fastconv.nn.activation import ReLU
from fastconv.nn.layer import Layer, final_shape
from fastconv.nn.lowering import lower


class GuidedReLU(ReLU):
    """ReLU, with the gradient of guided backpropagation."""


@lower.register
def _(layer: GuidedReLU, builder: Builder, x: Tensor, training: bool) -> Tensor:
    return guided_relu(builder, x)


def saliency(model: Layer, x: NDArray[Any], classes: ArrayLike) -> NDArray[np.float32]:
    """How much each pixel could change a class's score: (N, H, W) (Simonyan et al. 2014, section 3.1).

    It is the largest magnitude over the channels of the score's gradient. A score is what comes before softmax.
    x: (N, C, H, W) uint8 or float32.  classes: one for all images, or (N,).
    """
    grad = np.abs(input_grad(model, x, one_hot(model, x, classes)))
    return np.asarray(grad.max(axis=1))


def guided_backpropagation(model: Layer, x: NDArray[Any], classes: ArrayLike,
                           layer: str | None = None) -> NDArray[np.float32]:
    """What of each image speaks for a class, or drives a neuron: (N, C, H, W) (Springenberg et al. 2015, section 3).

    It is the gradient, without those that flow back through a ReLU and are negative.
    x: (N, C, H, W) uint8 or float32.  classes: the place of one class or neuron in the outputs, flattened, of the
    network, or of one of its layers by its name in the state dict; one for all images, or (N,).
    Raises ValueError for a network without ReLU, where it would be the plain gradient.
    """
    guided = Part(model, layer, lambda each: GuidedReLU() if isinstance(each, ReLU) else each)
    if not any(isinstance(each, ReLU) for _, each in model.leaves()):
        raise ValueError("guided backpropagation changes the gradient of ReLU, and here is none; take the saliency")
    return input_grad(guided, x, one_hot(guided, x, classes))


def one_hot(model: Layer, x: NDArray[Any], places: ArrayLike) -> NDArray[np.float32]:
    """Shaped as the model's outputs: one at each image's place in them, flattened, and zeros elsewhere.

    places: one for all images, or (N,). Raises ValueError where an output has none of that number.
    """
    shape = final_shape(model, x.shape)
    chosen, size = np.broadcast_to(np.asarray(places), shape[:1]), int(np.prod(shape[1:]))
    if not np.issubdtype(chosen.dtype, np.integer) or not np.all((chosen >= 0) & (chosen < size)):
        raise ValueError(f"expected integers from 0 to {size - 1}, got {places!r}")
    grad = np.zeros((shape[0], size), np.float32)
    grad[np.arange(shape[0]), chosen] = 1
    return grad.reshape(shape)
