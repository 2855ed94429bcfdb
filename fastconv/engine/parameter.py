"""A parameter: an array that programs read in place, with a version that tells them when it has changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.memory import aligned

#: Versions grow for as long as the process lives, so the newest of several parameters dates them all.
versions = itertools.count(1)


class _Changes:
    """The last version that any parameter of the process was given: where it stands still, nothing has changed."""

    last = 0


changes = _Changes()


class Parameter:
    """An array of float32, or of another type, zeros at version 0 until it is first set."""

    def __init__(self, shape: tuple[int, ...], dtype: Any = np.float32) -> None:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self.array: NDArray[Any] = aligned(size).view(dtype).reshape(shape)
        self.version = 0

    @property
    def kind(self) -> type[np.generic]:
        """What its values may be given as."""
        return np.floating if np.issubdtype(self.array.dtype, np.floating) else np.integer

    @property
    def kind_name(self) -> str:
        return "floating-point" if self.kind is np.floating else "integer"

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy, perhaps in a process that has counted fewer versions, is new here."""
        self.__dict__.update(state)
        if self.version:
            self.changed()

    def set(self, values: NDArray[Any]) -> None:
        """Copies `values` in."""
        self.array[...] = values
        self.changed()

    def changed(self) -> None:
        """Marks the array as changed, so that programs pack it anew."""
        self.version = changes.last = next(versions)


class Derived:
    """Parameters that are computed from others."""

    def __init__(self, sources: Sequence[Parameter], shapes: Sequence[tuple[int, ...]],
                 compute: Callable[[], Sequence[NDArray[Any]]]) -> None:
        """compute: their values, of these shapes, from what the sources hold."""
        self.parameters = [Parameter(shape) for shape in shapes]
        self._sources, self._compute, self._version = sources, compute, 0

    def refresh(self) -> None:
        """Computes them anew where a source has changed."""
        newest = max(source.version for source in self._sources)
        if newest > self._version:
            for parameter, values in zip(self.parameters, self._compute(), strict=True):
                parameter.set(values)
            self._version = newest
