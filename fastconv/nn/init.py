"""How parameters are drawn."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def kaiming_uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int,
                    a: float = math.sqrt(5)) -> NDArray[np.float32]:
    """Uniform in ±√(6 / ((1 + a²) fan_in)) (He et al. 2015, equation 14, for a leaky ReLU of slope a).

    PyTorch's default a = √5 makes that ±1/√fan_in, for weights and biases of convolutions and linear layers.
    """
    bound = math.sqrt(6 / ((1 + a * a) * fan_in))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
