"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their binary version: records of label bytes and 3 × 32 × 32 pixels."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastconv.data.dataset import Dataset, train_and_test
from fastconv.errors import DataError

IMAGE = 3, 32, 32
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))

#: More than the names of a hundred classes take.
LONGEST_NAMES = 1 << 16


def cifar10(folder: str | os.PathLike[str]) -> tuple[Dataset, Dataset]:
    """CIFAR-10 as (train, test), (N, 3, 32, 32) uint8, from data_batch_1.bin to data_batch_5.bin and test_batch.bin.

    Raises DataError, naming the file, for one that is missing, damaged, or not what its name says.
    """
    folder = Path(folder)
    parts = [_read(folder / name, 1, 10) for name in BATCHES]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return train_and_test(folder, (images, labels), _read(folder / "test_batch.bin", 1, 10), CIFAR10)


def cifar100(folder: str | os.PathLike[str], coarse: bool = False) -> tuple[Dataset, Dataset]:
    """CIFAR-100 as (train, test), (N, 3, 32, 32) uint8, from train.bin and test.bin.

    coarse: with the 20 superclasses. The names are in fine_label_names.txt and coarse_label_names.txt; without such a
    file the classes are numbers.

    Raises DataError, naming the file, for one that is missing, damaged, or not what its name says.
    """
    folder, count = Path(folder), 20 if coarse else 100
    names = _read_names(folder / f"{'coarse' if coarse else 'fine'}_label_names.txt", count)
    train, test = (_read(folder / name, 2, count, 0 if coarse else 1) for name in ("train.bin", "test.bin"))
    return train_and_test(folder, train, test, names)


def _read(path: Path, label_bytes: int, classes: int,
          label_byte: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images, (N, 3, 32, 32), and the labels, (N,), of a file."""
    size = label_bytes + int(np.prod(IMAGE))
    try:
        records = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(records) == 0 or len(records) % size:
        raise DataError(f"{path}: expected records of {size} bytes, got {len(records)} bytes; cut short?")
    records = records.reshape(-1, size)
    labels = records[:, label_byte]
    if labels.max() >= classes:
        raise DataError(f"{path}: expected labels from 0 to {classes - 1}, got {labels.max()}: not CIFAR-{classes}")
    return records[:, label_bytes:].reshape(-1, *IMAGE), labels.copy()


def _read_names(path: Path, count: int) -> tuple[str, ...]:
    """The names of the classes, one a line."""
    if not path.is_file():
        return tuple(str(label) for label in range(count))
    try:
        with path.open("rb") as file:
            names = file.read(LONGEST_NAMES).decode("utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if len(names) != count:
        raise DataError(f"{path}: expected {count} names, got {len(names)}")
    return tuple(names)
