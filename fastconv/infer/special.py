"""Functions that NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Coefficients of Abramowitz & Stegun 1964, formula 7.1.26: erf to within 1.5e-7.
P = 0.3275911
A = 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429


def normal_cdf(x: NDArray[Any]) -> NDArray[Any]:
    """Φ(x) to within 1e-7 and rounding."""
    z = np.abs(x) * x.dtype.type(math.sqrt(0.5))
    t = 1 / (1 + P * z)
    polynomial = t * (A[0] + t * (A[1] + t * (A[2] + t * (A[3] + t * A[4]))))
    tail = polynomial * np.exp(-z * z) / 2
    cdf: NDArray[Any] = np.where(x < 0, tail, 1 - tail)
    return cdf
