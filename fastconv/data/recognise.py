"""One entry for all readers: it looks at what a path is."""

from __future__ import annotations

import os
from pathlib import Path

from fastconv.data.arrays import has_npy, npy, npz
from fastconv.data.cache import cache_folder
from fastconv.data.cifar import cifar10, cifar100
from fastconv.data.dataset import Dataset
from fastconv.data.emnist import emnist, has_emnist
from fastconv.data.mnist import mnist
from fastconv.data.pictures import class_folders, image_folder
from fastconv.data.sources import SETS
from fastconv.data.split import stratified_split
from fastconv.errors import DataError

#: Where the known archives put their files, below the folder that people name.
INNER_FOLDERS = ("raw", "gzip", "cifar-10-batches-bin", "cifar-100-binary")

#: What a folder of pictures calls its test part.
TEST_FOLDERS = ("test", "val", "valid", "validation")

#: Of a source without a test part, the share of each class that becomes one; larger ones are not copied apart.
HELD_OUT, LARGEST_SPLIT = 0.1, 1 << 30

LOOKED_FOR = (
    "MNIST's four files (train-images-idx3-ubyte, ...), EMNIST's (emnist-letters-train-images-idx3-ubyte, ...), "
    "CIFAR's binaries (data_batch_1.bin, ... or train.bin), train_images.npy, train_labels.npy, ... or images.npy and "
    "labels.npy, a folder of pictures for each class, perhaps in train and test, or a .npz file"
)


def load(path: str | os.PathLike[str], size: tuple[int, int] | None = None, seed: int = 0) -> tuple[Dataset, Dataset]:
    """(train, test) from whatever is at `path`: MNIST, Fashion-MNIST, KMNIST or EMNIST in IDX files, CIFAR-10 or
    CIFAR-100 in binary files, .npy or .npz files, or folders of pictures.

    Where nothing is at `path` and it is the name of a set that `fetch` has downloaded, that set.
    size: (height, width) that pictures are resized to.  seed: draws a tenth of each class as the test part of a source
    that has none.

    Raises DataError that says what was looked for, or what is wrong with a file.
    """
    path, name = Path(path), os.fspath(path)
    if not path.exists() and name in SETS:
        path = cache_folder() / name
        if not path.is_dir() or all(each.name.startswith(".") for each in path.iterdir()):  # parts of downloads
            raise DataError(f"{name}: not downloaded yet; `fastconv data fetch {name}` does it")
    if not path.exists():
        raise DataError(f"{path}: found no such folder or file; expected {LOOKED_FOR}")
    train, test = npz(path) if path.suffix.lower() == ".npz" else _load_folder(path, size)
    if test is not None:
        return train, test
    if train.images.nbytes > LARGEST_SPLIT:
        raise DataError(f"{path}: expected test images too (test_images.npy, test_labels.npy): "
                        f"{train.images.nbytes} bytes are not copied apart")
    return stratified_split(train, HELD_OUT, seed)


def _load_folder(folder: Path, size: tuple[int, int] | None) -> tuple[Dataset, Dataset | None]:
    if folder.is_dir():
        for inner in (folder, *(folder / name for name in INNER_FOLDERS)):
            if any(inner.glob("train-*-ubyte*")) or any(inner.glob("t10k-*-ubyte*")):
                return mnist(inner)
            if has_emnist(inner):
                return emnist(inner)
            if any(inner.glob("data_batch_*.bin")):
                return cifar10(inner)
            if (inner / "train.bin").is_file():
                return cifar100(inner)
        if has_npy(folder):
            return npy(folder)
        for name in TEST_FOLDERS:
            classes = class_folders(folder / "train") if (folder / "train").is_dir() else ()
            if classes and (folder / name).is_dir():
                return _pictures(folder / "train", folder / name, size, classes)
        if class_folders(folder):
            return image_folder(folder, size), None
        if not any(each.is_file() for each in folder.rglob("*")) and any(folder.iterdir()):
            names = ", ".join(sorted(each.name for each in folder.iterdir())[:5])
            raise DataError(f"{folder}: its folders contain no pictures: {names}")
    found = ", ".join(sorted(each.name for each in folder.iterdir())[:5]) if folder.is_dir() else "a file"
    raise DataError(f"{folder}: expected {LOOKED_FOR}; found {found or 'an empty folder'}")


def _pictures(train: Path, test: Path, size: tuple[int, int] | None,
              classes: tuple[str, ...]) -> tuple[Dataset, Dataset]:
    """Both parts in the training part's classes, colours and statistics."""
    unknown = sorted(set(class_folders(test)) - set(classes))
    if unknown:
        raise DataError(f"{test}: expected the classes of {train}, found {', '.join(unknown[:5])} too")
    training = image_folder(train, size, classes=classes)
    held_out = image_folder(test, size, training.images.shape[1], classes)
    if held_out.images.shape[1:] != training.images.shape[1:]:
        raise DataError(f"{test}: expected test images of the training images' size {training.images.shape[1:]}, "
                        f"got {held_out.images.shape[1:]}")
    return training, Dataset(held_out.images, held_out.labels, classes, training.mean, training.std)
