"""What results are compared with, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def central_difference(f: Callable[[NDArray[np.float64]], Any], x: NDArray[np.float64],
                       eps: float = 1e-5) -> NDArray[np.float64]:
    """The gradient of the scalar f at x, shaped as x, from two values of f for each element; its error is O(eps²)."""
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += eps
        below[i] -= eps
        gradient[i] = (f(above) - f(below)) / (2 * eps)
    return gradient


def assert_close(actual: NDArray[Any], expected: NDArray[Any], tolerance: float) -> None:
    """Asserts equal shapes, and no error above `tolerance` times the largest magnitude expected.

    One scale for the whole array: a sum that happens to cancel keeps the rounding errors of its terms.
    """
    assert actual.shape == expected.shape, f"expected shape {expected.shape}, got {actual.shape}"
    allowed = tolerance * np.max(np.abs(expected), initial=0)
    error = np.abs(actual - expected, dtype=np.float64)
    worst = np.unravel_index(np.argmax(error), error.shape)  # NaN counts as the largest
    assert error[worst] <= allowed, (
        f"expected {expected[worst]} at {tuple(map(int, worst))}, got {actual[worst]}: "
        f"off by {error[worst]:.3g}, allowed {allowed:.3g}; {np.sum(~(error <= allowed))} of {error.size} are off"
    )
