"""MNIST, and the sets published in its four files: Fashion-MNIST, KMNIST and their like."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastconv.data.dataset import Dataset, train_and_test
from fastconv.data.idx import read_idx
from fastconv.errors import DataError

DIGITS = tuple("0123456789")
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
KUZUSHIJI = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

#: The classes of a set whose folder has a name with such a part; the files themselves do not tell them.
CLASSES_BY_NAME = {"fashion": FASHION, "kmnist": KUZUSHIJI, "kuzushiji": KUZUSHIJI}


def mnist(folder: str | os.PathLike[str], classes: Iterable[str] | None = None) -> tuple[Dataset, Dataset]:
    """The training and the test set in the four IDX files of `folder`, as (train, test).

    The files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
    t10k-labels-idx1-ubyte, each gzipped or not (.gz), with "-idx" or ".idx".
    Images are (N, 1, H, W) uint8, for MNIST 28×28. Both sets have the training set's mean and std.

    classes: their names. Where not given they are those of Fashion-MNIST or KMNIST if the folder, or the one it is
        in, is named after it, and otherwise the ten digits.

    Raises DataError, naming the file, for one that is missing, damaged, or not what its name says.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder with MNIST's IDX files, found no such folder")
    names = _classes_of(folder) if classes is None else tuple(classes)
    pairs = []
    for part in ("train", "t10k"):
        files = find_idx(folder, f"{part}-images", "idx3-ubyte"), find_idx(folder, f"{part}-labels", "idx1-ubyte")
        pairs.append(read_pair(*files, len(names), "a set of other classes needs mnist(folder, classes=...)"))
    return train_and_test(folder, pairs[0], pairs[1], names)


def _classes_of(folder: Path) -> tuple[str, ...]:
    for name in reversed(folder.resolve().parts[-2:]):
        for part, classes in CLASSES_BY_NAME.items():
            if part in name.lower():
                return classes
    return DIGITS


def read_pair(images_path: Path, labels_path: Path, num_classes: int, hint: str,
              first_label: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images, (N, 1, H, W), and the labels, (N,) from 0 on, of two IDX files.

    first_label: what the file calls label 0.  hint: what to do about a label that is too large.
    """
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
    for label in (labels.min(), labels.max()):
        if not first_label <= label < first_label + num_classes:
            raise DataError(f"{labels_path}: expected labels from {first_label} to {first_label + num_classes - 1}, "
                            f"got {label}; {hint}")
    return images[:, None], labels - np.uint8(first_label)


def find_idx(folder: Path, stem: str, kind: str) -> Path:
    """The file of `folder` called `stem` and `kind`, joined by "-" or ".", with or without ".gz"."""
    for name in (f"{stem}-{kind}", f"{stem}.{kind}"):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise DataError(f"{folder}: expected a file {stem}-{kind} or {stem}-{kind}.gz, found neither")
