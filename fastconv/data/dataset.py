"""A set of labelled images, checked once at construction so that nothing later has to ask again."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.errors import DataError, DtypeError, ShapeError

# A pair (images, labels) has no class names, so its largest label counts them. Beyond this many the label
# is far more likely a wrong column than a class, and the names alone would fill the memory.
MOST_UNNAMED_CLASSES = 65_536

# Pixels converted to float64 at a time: 2 MB stay in the cache; larger blocks were slower, smaller ones too.
PIXELS_PER_BLOCK = 1 << 18


Pair = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Dataset:
    """Labelled images, and what training needs to know about them.

    images: (N, C, H, W) uint8, or float32 when they are already prepared.
    labels: (N,) integers in [0, len(classes)), held as int64.
    classes: the names of the classes, in the order of their labels.
    mean, std: (C,) float32. Where not given: for uint8 images those of their pixels scaled by 1/255, with
        std 1 for a channel of one single value; for float32 images 0 and 1.

    Contiguous images and int64 labels are held as they are, not copied.

    Raises ShapeError, DtypeError or DataError for arrays that are not such a set; DataError for an empty one.
    """

    images: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    def __init__(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        classes: Iterable[str],
        mean: ArrayLike | None = None,
        std: ArrayLike | None = None,
    ) -> None:
        pixels = _check_images(np.asarray(images))
        names = _check_classes(classes)
        targets = _check_labels(np.asarray(labels), len(names))
        if len(targets) != len(pixels):
            raise ShapeError(
                "Dataset: expected as many labels as images, "
                f"got {len(targets)} labels for {len(pixels)} images"
            )
        if mean is None or std is None:
            measured_mean, measured_std = _channel_statistics(pixels)
            mean = measured_mean if mean is None else mean
            std = measured_std if std is None else std
        channels = pixels.shape[1]
        object.__setattr__(self, "images", pixels)
        object.__setattr__(self, "labels", targets)
        object.__setattr__(self, "classes", names)
        object.__setattr__(self, "mean", _check_statistic("mean", mean, channels))
        object.__setattr__(self, "std", _check_statistic("std", std, channels))
        if not np.all(self.std > 0):
            raise DataError(f"Dataset: std must be above 0 for every channel, got {self.std.tolist()}")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = "×".join(str(extent) for extent in self.images.shape[1:])
        return f"Dataset({len(self)} images {size} {self.images.dtype}, {len(self.classes)} classes)"


def train_and_test(path: Path, train: Pair, test: Pair, classes: Iterable[str]) -> tuple[Dataset, Dataset]:
    """(train, test) from two pairs (images, labels) that were read from `path`, both with the first one's statistics.

    Raises DataError, naming the path, where they are no such sets.
    """
    names = tuple(classes)
    try:
        training = Dataset(*train, names)
        held_out = Dataset(*test, names, training.mean, training.std)
    except (ShapeError, DtypeError, DataError) as error:
        raise DataError(f"{path}: {error}") from error
    size, other = training.images.shape[1:], held_out.images.shape[1:]
    if other != size:
        raise DataError(f"{path}: expected test images of the training images' size {size}, got {other}")
    return training, held_out


def as_dataset(obj: object) -> Dataset:
    """The Dataset `obj` is, or the one made of a plain pair (images, labels), its classes "0" to "max label".

    Raises DtypeError for anything else, and what Dataset raises for the arrays of the pair.
    """
    if isinstance(obj, Dataset):
        return obj
    if not isinstance(obj, tuple | list) or len(obj) != 2:
        found = f"{type(obj).__name__} of {len(obj)}" if isinstance(obj, tuple | list) else type(obj).__name__
        raise DtypeError(f"expected a Dataset or a pair (images, labels), got {found}")
    images, labels = obj
    targets = _check_labels(np.asarray(labels), MOST_UNNAMED_CLASSES)
    return Dataset(images, targets, (str(label) for label in range(int(targets.max()) + 1)))


def _check_images(images: NDArray[np.generic]) -> NDArray[np.uint8] | NDArray[np.float32]:
    """`images` in C order: (N, C, H, W) uint8 or float32, no extent 0."""
    if images.ndim != 4:
        hint = "; add the channel axis with images[:, None]" if images.ndim == 3 else ""
        raise ShapeError(f"Dataset: expected images (N, C, H, W), got {images.shape}{hint}")
    if images.dtype != np.uint8 and images.dtype != np.float32:
        raise DtypeError.of_images(images.dtype, "images")
    if len(images) == 0:
        raise DataError(f"Dataset: expected at least one image, got none (images {images.shape})")
    if 0 in images.shape:
        raise ShapeError(f"Dataset: expected C, H and W of at least 1, got images {images.shape}")
    return np.ascontiguousarray(images)


def _check_classes(classes: Iterable[str]) -> tuple[str, ...]:
    """`classes` as a tuple of at least one name."""
    # A single string is an iterable of strings too, but never what was meant.
    names = () if isinstance(classes, str) else tuple(classes)
    if not names or not all(isinstance(name, str) for name in names):
        raise DtypeError(f"Dataset: expected classes to be a sequence of names, got {classes!r}")
    return names


def _check_labels(labels: NDArray[np.generic], num_classes: int) -> NDArray[np.int64]:
    """`labels` as (N,) int64, each in [0, num_classes)."""
    if labels.ndim != 1:
        raise ShapeError(f"Dataset: expected labels (N,), got {labels.shape}")
    if len(labels) == 0:
        raise DataError("Dataset: expected at least one label, got none")
    if not np.issubdtype(labels.dtype, np.integer):
        raise DtypeError(f"Dataset: expected integer labels, got {labels.dtype}")
    for label in (labels.min(), labels.max()):
        if not 0 <= label < num_classes:
            where = int(np.argmax(labels == label))
            raise DataError(
                f"Dataset: expected labels from 0 to {num_classes - 1} ({num_classes} classes), "
                f"got {label} at index {where}"
            )
    return np.ascontiguousarray(labels, dtype=np.int64)


def _check_statistic(name: str, values: ArrayLike, channels: int) -> NDArray[np.float32]:
    """`values` as an array of its own, (channels,) float32, all finite."""
    statistic = np.array(values, dtype=np.float32)
    if statistic.shape != (channels,):
        raise ShapeError(
            f"Dataset: expected {name} of shape ({channels},), one per channel, got {statistic.shape}"
        )
    if not np.all(np.isfinite(statistic)):
        raise DataError(f"Dataset: expected a finite {name}, got {statistic.tolist()}")
    return statistic


def _channel_statistics(
    images: NDArray[np.uint8] | NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean and the standard deviation of each channel, both (C,), of pixels scaled by 1/255.

    Float images are already prepared: 0 and 1.

    Blocks of images keep the memory small, and those in a mapped file are read only once. All sums are of integers,
    hence exact, and a constant channel gives exactly 0. No product is NumPy's, whose threads would look for more work
    for 100 ms, on the processors that training needs next.
    """
    count, channels, height, width = images.shape
    mean = np.zeros(channels, np.float32)
    std = np.ones(channels, np.float32)
    if images.dtype != np.uint8:
        return mean, std
    block = max(1, PIXELS_PER_BLOCK // (height * width))
    totals, totals_of_squares = [0] * channels, [0] * channels
    for start in range(0, count, block):
        for channel in range(channels):
            pixels = images[start : start + block, channel]
            totals[channel] += int(pixels.sum())
            totals_of_squares[channel] += int(np.square(pixels, dtype=np.uint16).sum())
    pixel_count = count * height * width
    for channel in range(channels):
        mean[channel] = totals[channel] / (255 * pixel_count)
        spread = pixel_count * totals_of_squares[channel] - totals[channel] ** 2
        if spread > 0:
            std[channel] = math.sqrt(spread) / (255 * pixel_count)
    return mean, std
