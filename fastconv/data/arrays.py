"""Images and labels in NumPy's own files: .npz archives, and .npy files that stay on the disk while they are used."""

from __future__ import annotations

import math
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from fastconv.data.dataset import MOST_UNNAMED_CLASSES, Dataset, train_and_test
from fastconv.errors import DataError

#: What a file of (train images, train labels, test images, test labels) calls them; the first are fastconv's names,
#: the second those of the archives Keras publishes.
NAMES = (("train_images", "train_labels", "test_images", "test_labels"), ("x_train", "y_train", "x_test", "y_test"))

#: What a file of one set calls its images and labels.
ONE_SET = (("images", "labels"), ("x", "y"))

#: Deflate cannot expand further: 258 bytes from 2 bits.
LARGEST_RATIO = 1032

#: Bytes of pixels that are checked at a time.
BLOCK_BYTES = 1 << 22

#: What NumPy and zipfile raise for files that are damaged or made to do harm.
DAMAGE = (OSError, ValueError, TypeError, SyntaxError, TokenError, KeyError, IndexError, EOFError, OverflowError,
          RecursionError, MemoryError, RuntimeError, AttributeError, zlib.error, zipfile.BadZipFile)

Arrays = dict[str, NDArray[Any]]
Pair = tuple[NDArray[Any], NDArray[Any]]


def npz(path: str | os.PathLike[str]) -> tuple[Dataset, Dataset | None]:
    """(train, test) from a .npz archive, without pickle: train_images, train_labels, test_images and test_labels.

    Keras' names (x_train, …) will do too, and so will images and labels alone: test is then None.
    Images are (N, H, W), (N, C, H, W) or (N, H, W, C), uint8, or float32 that is already prepared. An array `classes`
    of text names the classes.

    Memory grows only with the bytes the file really holds. Raises DataError, naming the file, for anything else.
    """
    path = Path(path)
    with _refusing(path, ".npz"), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        wanted = _choose(path, members)
        arrays = {name: _read_member(archive, members[name], path.stat().st_size)
                  for name in (*wanted, "classes") if name in members}
    return _sets(path, arrays, wanted, mapped=False)


def npy(folder: str | os.PathLike[str]) -> tuple[Dataset, Dataset | None]:
    """(train, test) from train_images.npy, train_labels.npy, test_images.npy and test_labels.npy in a folder.

    images.npy and labels.npy alone will do too: test is then None. The images, (N, H, W) or (N, C, H, W), uint8 or
    float32, are mapped: training reads those it needs from the disk, so they may be larger than the memory.

    Raises DataError, naming the file, for anything else.
    """
    folder = Path(folder)
    files = {path.stem: path for path in folder.glob("*.npy")}
    wanted = _choose(folder, files)
    arrays = {name: read_npy(files[name]) for name in (*wanted, "classes") if name in files}
    return _sets(folder, arrays, wanted, mapped=True)


def read_npy(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in a .npy file, mapped and read-only; no memory is taken for it. Raises DataError, naming the file."""
    with _refusing(Path(path), ".npy"):
        return np.asarray(npy_format.open_memmap(path, mode="r"))


def has_npy(folder: Path) -> bool:
    """Whether images and labels seem to be in the folder."""
    return any((folder / f"{names[0]}.npy").is_file() for names in (*NAMES, *ONE_SET))


@contextmanager
def _refusing(path: Path, kind: str) -> Iterator[None]:
    """Turns whatever a damaged file raises into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except DAMAGE as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path}: not a readable {kind} file: {reason}") from error


def _choose(path: Path, found: dict[str, Any]) -> tuple[str, ...]:
    """The names of the arrays in `path`: four, or two of one set."""
    for names in (*NAMES, *ONE_SET):
        if found.keys() >= set(names):
            return names
    expected = " or ".join(", ".join(names) for names in (*NAMES, *ONE_SET))
    raise DataError(f"{path}: expected arrays named {expected}; found {', '.join(sorted(found)[:10]) or 'none'}")


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size_on_disk: int) -> NDArray[Any]:
    """One array of an archive, after its header has been checked against what the file can hold."""
    with archive.open(info) as stream:
        shape, _, dtype = _read_header(stream)
        promised = dtype.itemsize * math.prod(shape)
        held = min(info.file_size, size_on_disk * LARGEST_RATIO) - stream.tell()
        if dtype.hasobject:
            raise DataError(f"{archive.filename}: {info.filename} holds pickled objects, which are never loaded")
        if promised > held:
            raise DataError(f"{archive.filename}: {info.filename} promises {promised} bytes for {shape} {dtype}, "
                            f"the file holds at most {held}")
    with archive.open(info) as stream:
        array: NDArray[Any] = npy_format.read_array(stream, allow_pickle=False)
        return array


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy_format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"unknown version {version}")
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    return read(stream)


def _sets(path: Path, arrays: Arrays, names: tuple[str, ...], mapped: bool) -> tuple[Dataset, Dataset | None]:
    """(train, test) from the arrays of those names; mapped ones are never copied."""
    pairs = [_pair(path, arrays, images, labels, mapped)
             for images, labels in zip(names[::2], names[1::2], strict=True)]
    classes = _classes(path, arrays, pairs)
    train, test = train_and_test(path, pairs[0], pairs[-1], classes)
    return train, test if len(pairs) == 2 else None


def _pair(path: Path, arrays: Arrays, images_name: str, labels_name: str, mapped: bool) -> Pair:
    images, labels = arrays[images_name], arrays[labels_name]
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[3] in (1, 3) and images.shape[1] not in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if mapped and not images.flags.c_contiguous:
        raise DataError(f"{path}: expected {images_name}.npy to be (N, C, H, W) in C order, which can be used from the "
                        f"disk; got {arrays[images_name].shape} with strides {arrays[images_name].strides}")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path}: expected {labels_name} to be integer labels (N,), got {labels.dtype} {labels.shape}")
    _check_finite(path, images_name, images)
    return images, np.array(labels)


def _check_finite(path: Path, name: str, images: NDArray[Any]) -> None:
    """Raises DataError for pixels that would turn every loss and every gradient into NaN.

    Arrays that stay on disk are not read for it; their mean would not be finite.
    """
    if not np.issubdtype(images.dtype, np.floating) or images.size == 0 or isinstance(images, np.memmap):
        return
    block = max(1, BLOCK_BYTES // images[0].nbytes)
    for start in range(0, len(images), block):
        finite = np.isfinite(images[start:start + block]).reshape(len(images[start:start + block]), -1).all(axis=1)
        if not finite.all():
            raise DataError(f"{path}: {name} contains NaN or infinite pixels, first in image {start + finite.argmin()}")


def _classes(path: Path, arrays: Arrays, pairs: list[Pair]) -> tuple[str, ...]:
    if "classes" in arrays:
        names = arrays["classes"]
        if names.ndim != 1 or names.dtype.kind != "U" or len(names) > MOST_UNNAMED_CLASSES:
            raise DataError(f"{path}: expected classes to be text (K,), got {names.dtype} {names.shape}")
        return tuple(str(name) for name in names)
    largest = max((int(labels.max()) for _, labels in pairs if labels.size), default=0)
    if largest >= MOST_UNNAMED_CLASSES:
        raise DataError(f"{path}: expected labels below {MOST_UNNAMED_CLASSES}, got {largest}")
    return tuple(str(label) for label in range(max(largest, 0) + 1))
