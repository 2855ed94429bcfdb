"""LeNet-5 and its training step in NumPy, made of the reference's operators with im2col for the forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import reference

Arrays = dict[str, Any]


class NumpyLeNet:
    """weights: a state dict of `models.lenet5`."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self.weights: Arrays = dict(weights)
        self._moments = {name: (np.zeros_like(array), np.zeros_like(array)) for name, array in weights.items()}
        self._steps = 0

    def forward(self, x: NDArray[Any]) -> Any:
        """Logits (N, 10) of images (N, 1, 28, 28)."""
        return self._forward(x)["logits"]

    def step(self, x: NDArray[Any], labels: NDArray[Any], lr: float) -> float:
        """One step of AdamW; returns the mean loss before it."""
        a, w = self._forward(x), self.weights
        losses, dlogits = reference.cross_entropy(a["logits"], labels)
        grads: Arrays = {}
        d, grads["11.weight"], grads["11.bias"] = reference.linear_grad(a["hidden2"], w["11.weight"], dlogits)
        d, grads["9.weight"], grads["9.bias"] = reference.linear_grad(
            a["hidden1"], w["9.weight"], reference.relu_grad(d, a["hidden2"]))
        d, grads["7.weight"], grads["7.bias"] = reference.linear_grad(
            a["features"], w["7.weight"], reference.relu_grad(d, a["hidden1"]))
        d = reference.max_pool2d_grad(d.reshape(a["pooled2"].shape), a["argmax2"], a["maps2"].shape)
        d = reference.relu_grad(d, a["maps2"])
        grads["3.weight"] = reference.conv2d_weight_grad(a["pooled1"], d, 5)
        grads["3.bias"] = reference.conv2d_bias_grad(d)
        d = reference.conv2d_input_grad(d, w["3.weight"], a["pooled1"].shape)
        d = reference.relu_grad(reference.max_pool2d_grad(d, a["argmax1"], a["maps1"].shape), a["maps1"])
        grads["0.weight"] = reference.conv2d_weight_grad(x, d, 5, padding=2)
        grads["0.bias"] = reference.conv2d_bias_grad(d)
        self._steps += 1
        for name, grad in grads.items():
            w[name], *moments = reference.adamw(w[name], grad, *self._moments[name], step=self._steps, lr=lr)
            self._moments[name] = moments[0], moments[1]
        return float(losses.mean())

    def _forward(self, x: NDArray[Any]) -> Arrays:
        """Every activation that the gradients need."""
        w = self.weights
        a: Arrays = {}
        a["maps1"] = reference.relu(reference.conv2d_im2col(x, w["0.weight"], w["0.bias"], padding=2))
        a["pooled1"], a["argmax1"] = reference.max_pool2d(a["maps1"], 2)
        a["maps2"] = reference.relu(reference.conv2d_im2col(a["pooled1"], w["3.weight"], w["3.bias"]))
        a["pooled2"], a["argmax2"] = reference.max_pool2d(a["maps2"], 2)
        a["features"] = a["pooled2"].reshape(len(x), -1)
        a["hidden1"] = reference.relu(reference.linear(a["features"], w["7.weight"], w["7.bias"]))
        a["hidden2"] = reference.relu(reference.linear(a["hidden1"], w["9.weight"], w["9.bias"]))
        a["logits"] = reference.linear(a["hidden2"], w["11.weight"], w["11.bias"])
        return a
