"""Dropout, and the random numbers it draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastconv.reference.window import Array

Words = NDArray[np.uint64]

#: The 32 bits of a word.
WORD = np.uint64(0xFFFFFFFF)


def philox(a: Words, b: Words, c: Words, d: Words, key: int = 0) -> tuple[Words, Words, Words, Words]:
    """Four words of 32 random bits for each counter (a, b, c, d) of such words, by the 64 bits of a key.

    Philox 4×32 with ten rounds (Salmon et al. 2011).
    """
    low, high = np.uint64(key) & WORD, np.uint64(key) >> np.uint64(32)
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = _high(second) ^ b ^ low, second & WORD, _high(first) ^ d ^ high, first & WORD
        low, high = (low + np.uint64(0x9E3779B9)) & WORD, (high + np.uint64(0xBB67AE85)) & WORD
    return a, b, c, d


def _high(product: Words) -> Words:
    return product >> np.uint64(32)


def dropout_factors(images: int, values: int, p: float, stream: int = 0, step: int = 0,
                    seed: int = 0) -> NDArray[np.float64]:
    """What each value of each image is multiplied with, (images, values): 0 with probability p, else 1 / (1 - p).

    stream: which of a network's dropouts it is.
    """
    image, place = np.indices((images, -(-values // 4)), np.uint64)
    words = philox(place, image, np.full_like(place, stream), np.full_like(place, step), seed)
    kept = np.stack(words, axis=2).reshape(images, -1)[:, :values] >= p * 2.0**32
    return kept / (1 - p) if p < 1 else np.zeros(kept.shape)


def dropout(x: Array, p: float, stream: int = 0, step: int = 0, seed: int = 0) -> Array:
    """x (N, …) in training (Srivastava et al. 2014)."""
    dropped: Array = x * dropout_factors(len(x), x[0].size, p, stream, step, seed).reshape(x.shape)
    return dropped


def dropout2d(x: Array, p: float, stream: int = 0, step: int = 0, seed: int = 0) -> Array:
    """x (N, C, H, W) in training, whole channels dropped (Tompson et al. 2015)."""
    dropped: Array = x * dropout_factors(x.shape[0], x.shape[1], p, stream, step, seed)[:, :, None, None]
    return dropped
