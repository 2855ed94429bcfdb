"""What a network's outputs say of the classes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fastconv import reference
from fastconv.nn.activation import Softmax
from fastconv.nn.layer import Expansion


class Network(Protocol):
    """A model as `fastconv.load` or `fastconv.infer.load` returns it."""

    def expansion(self) -> Expansion: ...


def probabilities(model: Network, outputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probability of each class, (N, classes): a model's outputs where it ends in Softmax, else softmax of them."""
    network, values = model.expansion(), outputs.astype(np.float64)
    if network.output and isinstance(network.nodes[network.output - 1].layer, Softmax):
        return values
    return reference.softmax(values).astype(np.float64, copy=False)
