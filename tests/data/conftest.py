"""What the tests of the readers share: a plain writer of IDX files."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def write(array: NDArray[np.generic]) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, CODES[array.dtype.str[1:]], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="session")
def idx_bytes() -> Callable[[NDArray[np.generic]], bytes]:
    """The content of an IDX file that holds the given array."""
    return write
