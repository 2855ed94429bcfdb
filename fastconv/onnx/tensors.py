"""Arrays from the tensors of ONNX files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from fastconv.errors import OnnxError

#: Elements of the largest array that a model may ask for beside those in its file: four gigabytes of float32.
MOST_ELEMENTS = 2**30


def dtype_of(kind: int) -> np.dtype[Any]:
    """The type of arrays that ONNX numbers so. Raises OnnxError for a number that is none."""
    try:
        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except KeyError as error:
        raise OnnxError(f"{kind} is no type of data") from error


def to_array(tensor: TensorProto) -> NDArray[Any]:
    """The values of a tensor. Raises OnnxError where they do not fill its shape."""
    try:
        if any(extent < 0 for extent in tensor.dims):
            raise ValueError(f"its shape is {tuple(tensor.dims)}")
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise OnnxError(f'tensor "{tensor.name}" is damaged: {error}') from error


def bring_in(tensor: TensorProto, folder: Path | None) -> None:
    """Puts the values of a tensor, where they lie in a file of their own, into the tensor itself.

    Raises OnnxError for a file that does not lie in the folder, or does not hold them.
    """
    if tensor.data_location != TensorProto.EXTERNAL:
        return
    place = {entry.key: entry.value for entry in tensor.external_data}
    location, named = place.get("location", ""), f'tensor "{tensor.name}"'
    if folder is None:
        raise OnnxError(f"{named} lies in the file {location!r}; only `load` reads such files")
    root = folder.resolve()
    try:
        path = (root / location).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise OnnxError(f"{named}: expected its data in a file in the model's folder, found {location!r}")
        size = dtype_of(tensor.data_type).itemsize * math.prod(tensor.dims)
        start = int(place.get("offset", 0))
        length = int(place.get("length", size))
        available = path.stat().st_size - start
        if length != size or not 0 <= size <= available or start < 0:
            raise OnnxError(f"{named}: expected {size:,} bytes in {location!r} from byte {start}, found {available:,}")
        with path.open("rb") as file:
            file.seek(start)
            tensor.raw_data = file.read(size)
    except (OSError, ValueError, KeyError, OverflowError) as error:
        if isinstance(error, OnnxError):
            raise
        raise OnnxError(f"{named}: its data cannot be read from {location!r}: {error}") from error
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def check_size(*shape: int) -> None:
    """Raises OnnxError for an array that no memory holds, before it is made."""
    if math.prod(map(int, shape)) > MOST_ELEMENTS:
        raise OnnxError(f"an array {tuple(map(int, shape))} has more than {MOST_ELEMENTS:,} elements")
