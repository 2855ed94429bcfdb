"""A parameter: an array that programs read in place, with a version that tells them when it has changed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.memory import aligned_floats

#: Versions grow for as long as the process lives, so the newest of several parameters dates them all.
versions = itertools.count(1)


class Parameter:
    """An array of float32, zeros at version 0 until it is first set."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.array: NDArray[np.float32] = aligned_floats(int(np.prod(shape))).reshape(shape)
        self.version = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy, perhaps in a process that has counted fewer versions, is new here."""
        self.__dict__.update(state)
        if self.version:
            self.changed()

    def set(self, values: NDArray[np.floating]) -> None:
        """Copies `values` in."""
        self.array[...] = values
        self.changed()

    def changed(self) -> None:
        """Marks the array as changed, so that programs pack it anew."""
        self.version = next(versions)
