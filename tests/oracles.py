"""What results are compared with, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: 64 of the smallest denormal numbers: what a result below 1e-38 may be off by.
DENORMAL_STEPS = 64 * 2.0**-149


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


def assert_close_to_terms(actual: NDArray[Any], expected: NDArray[Any], terms: NDArray[Any] | float,
                          tolerance: float) -> None:
    """Asserts float32 values within `tolerance` of those expected, relative to `terms` element by element.

    terms: the sum of the magnitudes of the terms that the formula adds. Where there is one term, that is the magnitude
    expected, and the error is a relative one; where they cancel, no float32 formula can do better than round each.
    Denormal numbers have fewer digits: they may be off by a few of the smallest besides. Where float64 has no number
    or an infinity, so must float32; float64 values beyond float32's range have to be infinite.
    """
    with np.errstate(over="ignore"):
        rounded = np.asarray(expected).astype(np.float32)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(rounded))
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(actual[infinite], rounded[infinite])
    finite = np.isfinite(rounded)
    allowed = tolerance * np.broadcast_to(np.maximum(terms, np.abs(expected)), rounded.shape)[finite] + DENORMAL_STEPS
    error = np.abs(actual[finite] - expected[finite], dtype=np.float64)
    worst = np.argmax(error / allowed) if error.size else 0
    assert np.all(error <= allowed), (
        f"expected {expected[finite][worst]}, got {actual[finite][worst]}: off by {error[worst]:.3g}, allowed "
        f"{allowed[worst]:.3g}; {np.sum(~(error <= allowed))} of {error.size} are off")
