"""Batch normalisation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.parameter import Derived, Parameter
from fastconv.nn.activation import number
from fastconv.nn.layer import Layer, Shape, Weighted, expect_images
from fastconv.shapes import integer


class BatchNorm2d(Layer):
    """weight (x - mean) / √(var + eps) + bias for each channel of (N, C, H, W) (Ioffe & Szegedy 2015), as PyTorch's.

    In training, mean and variance are those of the whole batch, whatever the number of threads; each step of a Trainer
    moves running_mean and running_var towards them by `momentum`, or with momentum=None to their mean over all steps.
    Inference uses these, and so does the training of a model in which this layer is frozen.
    weight, bias: (C,), at first ones and zeros; affine=False has none.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True) -> None:
        super().__init__(num_features=num_features, eps=eps, momentum=momentum, affine=affine)
        self.num_features, self.eps = integer("num_features", num_features), number("eps", eps)
        if eps < 0:
            raise ValueError(f"BatchNorm2d: eps must not be negative, got {eps}")
        if momentum is not None and not 0 <= number("momentum", momentum) <= 1:
            raise ValueError(f"BatchNorm2d: momentum must be from 0 to 1, got {momentum}")
        self.momentum = momentum
        if affine:
            self._parameters |= {name: Parameter((num_features,)) for name in ("weight", "bias")}
        self._statistics |= {"running_mean": Parameter((num_features,)), "running_var": Parameter((num_features,)),
                             "num_batches_tracked": Parameter((), np.int64)}
        self.reset_statistics()

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape, self.num_features)
        return shape

    def reset_statistics(self) -> None:
        for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
            self._statistics[name].set(np.array(value))

    def scale_and_shift(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The layer in inference as x · scale + shift, both (C,)."""
        weight, bias = (self._parameters[name].array if name in self._parameters else np.float32(default)
                        for name, default in (("weight", 1), ("bias", 0)))
        mean, variance = (self._statistics[name].array.astype(np.float64) for name in ("running_mean", "running_var"))
        scale = weight / np.sqrt(variance + self.eps)
        return scale, bias - mean * scale

    def derived(self) -> Derived:
        """scale_and_shift as parameters."""
        shape = self.num_features,
        return Derived([*self._parameters.values(), *self._statistics.values()], [shape, shape], self.scale_and_shift)

    def folded_into(self, layer: Weighted) -> Derived:
        """The weight and the bias of a layer with this one behind it, in inference."""
        weight, bias = layer._parameters["weight"], layer._parameters.get("bias")

        def compute() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            scale, shift = self.scale_and_shift()
            first = 0.0 if bias is None else bias.array
            return weight.array * scale.reshape(-1, *(1,) * (weight.array.ndim - 1)), first * scale + shift

        sources = [*layer._parameters.values(), *self._parameters.values(), *self._statistics.values()]
        return Derived(sources, [weight.array.shape, (self.num_features,)], compute)

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        return np.full(parameter.array.shape, name == "weight", np.float32)
