"""What a network's outputs say of the classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastconv import reference
from fastconv.nn.activation import Softmax
from fastconv.nn.layer import Expansion


class Network(Protocol):
    """A model as `fastconv.load` or `fastconv.infer.load` returns it."""

    def expansion(self) -> Expansion: ...


def probabilities_of(model: Network) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """What makes probabilities of classes, (N, classes), of a model's outputs: softmax, unless the model ends in it."""
    network = model.expansion()
    ends = network.output > 0 and isinstance(network.nodes[network.output - 1].layer, Softmax)
    return _as_they_are if ends else _softmax


def _as_they_are(outputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return outputs.astype(np.float64)


def _softmax(outputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return reference.softmax(outputs.astype(np.float64)).astype(np.float64, copy=False)
