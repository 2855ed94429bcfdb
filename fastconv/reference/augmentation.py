"""What an augmented image is, number by number: the oracle of `kernels/augment.py`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.augmentation import Augmentation
from fastconv.reference.window import Array

WORD = 2**64

#: The streams of an image's random numbers: its own, its partner's in mixup, and the mixture's.
OWN, PARTNER, MIXTURE = range(3)


def key_of(key: int, counter: int) -> int:
    """The 64-bit key number `counter` that `key` leads to (SplitMix64: Steele, Lea & Flood 2014, figures 9 and 10)."""
    z = (key + (counter + 1) * 0x9E3779B97F4A7C15) % WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def uniform(key: int, counter: int) -> float:
    """A number in [0, 1)."""
    return (key_of(key, counter) >> 11) / 2**53


def noise(key: int, counter: int) -> tuple[float, float]:
    """Two numbers in [-1, 1) from a key of 32 bits: the halves of its hash (Wellons 2018, lowbias32)."""
    z = (key + counter) % 2**32
    z = (z ^ (z >> 16)) * 0x7FEB352D % 2**32
    z = (z ^ (z >> 15)) * 0x846CA68B % 2**32
    z = z ^ (z >> 16)
    return (z % 2**16) / 2**15 - 1, (z >> 16) / 2**15 - 1


def augment(images: NDArray[Any], indices: NDArray[np.int64], augmentation: Augmentation, key: int,
            scale: Array, shift: Array) -> tuple[Array, NDArray[np.int64], Array]:
    """(x, partners, shares) of images[indices] for an epoch's key: what training sees, x (N, C, H, W) normalised.

    An image's target is share times its own and 1 - share times that of its partner.
    """
    x, partners, shares = [], [], []
    for index in indices:
        of_image = key_of(key % WORD, int(index))
        own = _augmented(images[index], augmentation, key_of(of_image, OWN), scale, shift)
        partner, share = int(index), 1.0
        if augmentation.mixup:
            partner, share = mixture(len(images), augmentation.mixup, key_of(of_image, MIXTURE))
            other = _augmented(images[partner], augmentation, key_of(of_image, PARTNER), scale, shift)
            own = share * own + (1 - share) * other
        x.append(own)
        partners.append(partner)
        shares.append(share)
    return np.array(x), np.array(partners), np.array(shares)


def mixture(count: int, alpha: float, key: int) -> tuple[int, float]:
    """One of `count` images, and λ from Beta(α, α) by Jöhnk's method (1964)."""
    a, b = next((a, b) for a, b in attempts(alpha, key) if math.exp(a) + math.exp(b) <= 1)
    return int(uniform(key, 0) * count), 1 / (1 + math.exp(min(b - a, 700)))


def attempts(alpha: float, key: int) -> Iterator[tuple[float, float]]:
    """The logarithms of two numbers to the power of 1 / α, attempt after attempt."""
    for attempt in itertools.count(1):
        a, b = (math.log(1 - uniform(key, 2 * attempt + i)) / alpha for i in range(2))
        yield a, b


def _augmented(image: NDArray[Any], augmentation: Augmentation, key: int, scale: Array, shift: Array) -> Array:
    _, height, width = image.shape
    h, w = np.mgrid[:height, :width].astype(np.float64)
    x, y = coordinates(augmentation, key, height, width)
    sampled = sample(image.astype(np.float64), x, y) * scale[:, None, None] + shift[:, None, None]
    side = augmentation.cutout
    top, left = math.floor(height * uniform(key, 8)) - side // 2, math.floor(width * uniform(key, 9)) - side // 2
    cut = (h >= top) & (h < top + side) & (w >= left) & (w < left + side)
    return np.where(cut, 0.0, sampled)


def coordinates(augmentation: Augmentation, key: int, height: int, width: int) -> tuple[Array, Array]:
    """(x, y): where in its image each pixel (height, width) of an augmented image comes from."""

    def symmetric(counter: int) -> float:
        return 2 * uniform(key, counter) - 1

    def whole(counter: int) -> int:
        return math.floor((2 * augmentation.crop + 1) * uniform(key, counter)) - augmentation.crop

    moved = np.array([augmentation.shift * symmetric(1) + whole(3), augmentation.shift * symmetric(0) + whole(2)])
    flip = np.diag([-1 if uniform(key, 4) < augmentation.flip else 1, 1])
    angle = math.radians(augmentation.rotate) * symmetric(5)
    least, most = augmentation.scale
    magnification = least + (most - least) * uniform(key, 6)
    slant = math.tan(math.radians(augmentation.shear) * symmetric(7))
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    forth = rotation @ np.array([[1, slant], [0, 1]]) @ flip * magnification
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    h, w = np.mgrid[:height, :width]
    places = np.stack([w, h], axis=-1) - middle - moved
    x, y = np.moveaxis(places @ np.linalg.inv(forth).T + middle, -1, 0)
    if augmentation.elastic:
        dx, dy = displacement(augmentation, key >> 32, height, width)
        x, y = x + dx, y + dy
    return x, y


def displacement(augmentation: Augmentation, key: int, height: int, width: int) -> Array:
    """How far each pixel is moved along x and along y, (2, height, width): cubic B-splines over random coefficients."""
    down, right = values(augmentation, height), values(augmentation, width)
    high, wide = down.shape[1], right.shape[1]
    coefficients = np.array([noise(key, i) for i in range(high * wide)]).T.reshape(2, high, wide)
    return np.asarray(augmentation.spline_scale * down @ coefficients @ right.T)


def values(augmentation: Augmentation, pixels: int) -> Array:
    """Along an axis the value at each pixel of the B-spline around each point that reaches any, (pixels, points)."""
    place = np.arange(pixels) / augmentation.spline_spacing
    return bump(place[:, None] - np.arange(-1, math.floor(place[-1]) + 3))


def bump(x: Array) -> Array:
    """The cubic B-spline around 0, of support 4 and variance 1 / 3."""
    x = abs(x)
    return np.where(x < 1, 2 / 3 - x**2 + x**3 / 2, np.maximum(2 - x, 0) ** 3 / 6)


def sample(image: Array, x: Array, y: Array) -> Array:
    """image (C, H, W) at the coordinates x and y, both (H', W'): bilinear, with zeros around the image."""
    _, height, width = image.shape
    result = np.zeros((len(image), *x.shape))
    left, top = np.floor(x), np.floor(y)
    for column in (left, left + 1):
        for row in (top, top + 1):
            weight = (1 - abs(x - column)) * (1 - abs(y - row))
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            result += np.where(inside, weight, 0) * image[:, np.where(inside, row, 0).astype(int),
                                                          np.where(inside, column, 0).astype(int)]
    return result
