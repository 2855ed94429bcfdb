"""Memory for a program: buffers are declared first, then placed together, so that no step allocates anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

#: Bytes of a cache line, where scratch memory of its own begins.
ALIGNMENT = 64

#: Bytes that processors move between cores together, at most: two lines, or one of Apple's.
SHARING = 128


@dataclass(eq=False)
class Buffer:
    """Bytes that a program works on.

    per_group False: memory that is reused when the buffer is no longer needed: one copy for each worker, or where it
    is needed from one phase to another, for each group of images.
    per_group True: one copy for each group of images, kept for the whole run.
    keep: scratch memory that holds something from one group to the next (a halo of zeros) and is never reused.
    inside: the place in another buffer where this one lies, if it is a part of that.
    """

    size: int
    per_group: bool = False
    keep: bool = False
    inside: At | None = None
    offset: int = field(default=-1, init=False)


@dataclass(frozen=True)
class Fixed:
    """An array that lives elsewhere: parameters, tables, the batch's addresses."""

    array: np.ndarray


@dataclass(frozen=True)
class At:
    """A place inside a buffer or an array."""

    buffer: Buffer | Fixed
    bytes: int


def aligned(size: int) -> np.ndarray:
    """`size` zero bytes in cache lines of their own: what other threads write elsewhere takes none of them away."""
    raw = np.zeros(-(-size // SHARING) * SHARING + SHARING, np.uint8)
    start = -raw.ctypes.data % SHARING
    return raw[start:start + size]


def aligned_floats(count: int) -> np.ndarray:
    """`count` float32 zeros in cache lines of their own."""
    return aligned(4 * count).view(np.float32)


def aligned_words(values: Sequence[int]) -> np.ndarray:
    """Int64 values in cache lines of their own."""
    words = aligned(8 * len(values)).view(np.int64)
    words[:] = values
    return words


def place(lifetimes: dict[Buffer, tuple[int, int]]) -> int:
    """Gives each scratch buffer an offset and returns the bytes one worker needs.

    lifetimes: the first and the last call that uses each buffer. Two buffers share memory only where their lifetimes
    do not overlap. Larger buffers are placed first, each at the lowest offset that is free while it lives.
    """
    placed: list[tuple[int, int, int, float]] = []  # offset, end, first call, last call
    total = 0
    for buffer, (first, last) in sorted(lifetimes.items(), key=lambda item: -item[0].size):
        size = -(-buffer.size // ALIGNMENT) * ALIGNMENT
        offset = 0
        for taken, end, other_first, other_last in sorted(placed):
            overlaps = buffer.keep or (first <= other_last and other_first <= last)
            if overlaps and offset + size > taken and end > offset:
                offset = end
        buffer.offset = offset
        placed.append((offset, offset + size, *((-1, math.inf) if buffer.keep else (first, last))))
        total = max(total, offset + size)
    return total
