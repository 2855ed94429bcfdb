"""MNIST, and the sets published in its four files: Fashion-MNIST, KMNIST and their like."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastconv.data.dataset import Dataset
from fastconv.data.idx import read_idx
from fastconv.errors import DataError

DIGITS = tuple("0123456789")


def mnist(folder: str | os.PathLike[str], classes: Iterable[str] = DIGITS) -> tuple[Dataset, Dataset]:
    """The training and the test set in the four IDX files of `folder`, as (train, test).

    The files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, each gzipped or not (.gz), with "-idx" or ".idx".
    Images are (N, 1, H, W) uint8, for MNIST 28×28. Both sets have the training set's mean and std.

    classes: the names of the classes, for sets in the same files that are not ten digits.

    Raises DataError, naming the file, for one that is missing, damaged, or not what its name says.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder with MNIST's IDX files, found no such folder")
    names = tuple(classes)
    train_images, train_labels = _read_part(folder, "train", len(names))
    test_images, test_labels = _read_part(folder, "t10k", len(names))
    if test_images.shape[1:] != train_images.shape[1:]:
        raise DataError(
            f"{folder}: expected test images of the training images' size {train_images.shape[1:]}, "
            f"got {test_images.shape[1:]}"
        )
    train = Dataset(train_images, train_labels, names)
    return train, Dataset(test_images, test_labels, names, train.mean, train.std)


def _read_part(folder: Path, part: str, num_classes: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images, (N, 1, H, W), and the labels, (N,), of one part: "train" or "t10k"."""
    images_path = _find(folder, f"{part}-images", "idx3-ubyte")
    labels_path = _find(folder, f"{part}-labels", "idx1-ubyte")
    images = read_idx(images_path)
    if images.ndim != 3 or images.dtype != np.uint8:
        raise DataError(f"{images_path}: expected images (N, H, W) uint8, got {images.shape} {images.dtype}")
    labels = read_idx(labels_path)
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise DataError(f"{labels_path}: expected labels (N,) uint8, got {labels.shape} {labels.dtype}")
    if len(labels) != len(images):
        raise DataError(
            f"{labels_path}: expected {len(images)} labels, one per image of {images_path.name}, "
            f"got {len(labels)}"
        )
    if labels.max() >= num_classes:
        raise DataError(
            f"{labels_path}: expected labels from 0 to {num_classes - 1}, got {labels.max()}; "
            "a set of other classes needs mnist(folder, classes=...)"
        )
    return images[:, None], labels


def _find(folder: Path, stem: str, kind: str) -> Path:
    """The file of `folder` called `stem` and `kind`, joined by "-" or ".", with or without ".gz"."""
    for name in (f"{stem}-{kind}", f"{stem}.{kind}"):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise DataError(f"{folder}: expected a file {stem}-{kind} or {stem}-{kind}.gz, found neither")
