"""What the kernels of all optimizers share: their arguments, and how they walk over them.

An update is one pass over a range of a parameter, in vectors of 16: every value is read and written once. The last
vector may be part empty. Constants come rounded once from float64: 1 - 0.999 taken in float32 is off by a part in 10⁵.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, floats, pointer, record
from fastconv.layout import LANES
from fastconv.simd.native import native
from fastconv.simd.vector import load_first, prefetch, splat

#: Values whose products are added up in float32, 16 sums side by side, before they join a sum in float64.
CHUNK = 64 * LANES

#: How many values ahead are fetched. On ten million parameters and two AVX-512 cores Adagrad takes 4.0 ms without,
#: 3.8 with 128, 3.5 with 256, 3.5 with 512, and more with 4096.
AHEAD = 256


def arguments(*state):
    """The record of an update of `size` values whose optimizer keeps these arrays; one it does not keep is at 0.

    constants: float32, set before each step.  slot: float64, where an update leaves sums over its range.
    """
    return record(*((name, BUFFER) for name in ("theta", "grad", *state, "constants", "slot")), ("size", np.int64))


@native
def constant(op, index):
    """A constant of the update, in every lane."""
    return splat(floats(op.constants, 0)[index])


@native
def is_set(op, index):
    """Whether a constant that stands for a choice is not 0."""
    return floats(op.constants, 0)[index] != np.float32(0.0)


@native
def slot(op):
    """Where the update leaves its sums."""
    return pointer(np.float64, op.slot.address)


@native
def read(array, index, left):
    """array[index : index + min(left, 16)], with zeros in the other lanes; what comes later is on its way by then."""
    prefetch(array, index + AHEAD)
    return load_first(array, index, left)
