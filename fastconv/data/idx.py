"""Reading IDX, the format MNIST and its relatives are published in, gzipped or not.

An IDX file is two zero bytes, one byte for the element type, one for the number of dimensions, one big-endian
uint32 per dimension, then the elements in C order, big-endian.
"""

import gzip
import math
import os
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import DataError

ELEMENT_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
GZIP_MAGIC = b"\x1f\x8b"
GZIP_LARGEST_RATIO = 1032  # deflate cannot expand further: 258 bytes from 2 bits
MOST_DIMENSIONS = 64  # NumPy's own limit
CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array in the IDX file at `path`: its own shape and element type, in the machine's byte order.

    Memory grows only with the bytes the file really holds, whatever its header promises.

    Raises DataError, naming the file, for one that cannot be read, is not IDX, is cut short, goes on after
    its last element, or fails gzip's checksum.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size_on_disk = os.fstat(file.fileno()).st_size
            gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            if not gzipped:
                return _read(file, path, size_on_disk)
            with gzip.GzipFile(fileobj=file) as stream:
                return _read(stream, path, size_on_disk * GZIP_LARGEST_RATIO)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read: {reason}") from error


def _read(stream: BufferedIOBase, path: Path, most_bytes: int) -> NDArray[Any]:
    """The array in `stream`, which can hold no more than `most_bytes` bytes."""
    dtype, shape = _read_header(stream, path)
    expected = dtype.itemsize * math.prod(shape)
    promise = f"its header promises {expected} bytes for {shape} {dtype.name}"
    if expected > most_bytes:
        raise DataError(f"{path}: cut short, or a damaged header: {promise}, more than the file can hold")
    # One byte more than promised shows whether the file goes on; reaching its end makes gzip check its sum.
    elements = bytearray()
    while chunk := stream.read(min(CHUNK, expected + 1 - len(elements))):
        elements += chunk
    if len(elements) < expected:
        raise DataError(f"{path}: cut short: {promise}, the file holds {len(elements)}")
    if len(elements) > expected:
        raise DataError(f"{path}: expected the end of the file: {promise}, but more bytes follow them")
    return np.frombuffer(elements, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(stream: BufferedIOBase, path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The element type and the shape an IDX header announces."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        found = magic.hex(" ") or "nothing"
        raise DataError(
            f"{path}: not an IDX file: expected 00 00, element type, dimensions; it starts with {found}"
        )
    code, dimensions = magic[2:]
    if code not in ELEMENT_TYPES:
        known = ", ".join(f"0x{each:02x}" for each in ELEMENT_TYPES)
        raise DataError(f"{path}: not an IDX file: expected an element type of {known}, got 0x{code:02x}")
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise DataError(f"{path}: expected 1 to {MOST_DIMENSIONS} dimensions, got {dimensions}")
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(
            f"{path}: cut short: expected {4 * dimensions} bytes for the sizes of {dimensions} dimensions, "
            f"got {len(sizes)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    if 0 in shape:
        raise DataError(f"{path}: expected every dimension to be at least 1, got {shape}")
    return ELEMENT_TYPES[code], shape
