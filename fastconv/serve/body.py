"""From the body of a request to images."""

from __future__ import annotations

import base64
import binascii
import io
import json
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from fastconv.data.pictures import BILINEAR, MODES, open_picture
from fastconv.errors import DataError, DtypeError, ShapeError

Shape = tuple[int, int, int]
Images = NDArray[np.uint8] | NDArray[np.float32]

NPY, PNG = b"\x93NUMPY", b"\x89PNG\r\n\x1a\n"

#: Bytes of a .npy file's header.
LONGEST_NPY_HEADER = 1_000


class UnknownContentError(DataError):
    """A body that is neither JSON nor a .npy file nor a picture."""


def images_of(body: bytes, content_type: str, shape: Shape) -> Images:
    """The images in a body, (N, C, H, W) uint8 or float32, for a network whose images are `shape`: (C, H, W).

    Raises DataError, DtypeError or ShapeError where they cannot be read or do not fit, and UnknownContentError.
    """
    if body.startswith(NPY):
        images = of_npy(body, shape)
    elif body.startswith(PNG):
        images = of_picture(body, shape)
    elif content_type.partition(";")[0].strip().lower() == "application/json":
        images = of_json(body, shape)
    else:
        raise UnknownContentError("expected JSON (application/json), a .npy file or a PNG picture")
    if images.dtype == np.float32 and not np.isfinite(images).all():
        raise DataError("the images contain NaN or infinite values")
    return images


def of_npy(body: bytes, shape: Shape) -> Images:
    """The images of a .npy file: (H, W), (C, H, W) or (N, C, H, W), uint8 or float32."""
    stream = io.BytesIO(body)
    try:
        read = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}[
            npy_format.read_magic(stream)]
        found, by_columns, dtype = read(stream, max_header_size=LONGEST_NPY_HEADER)
    except (ValueError, KeyError) as error:
        raise DataError("not a readable .npy file") from error
    if dtype.newbyteorder("=") not in (np.uint8, np.float32):
        raise DtypeError(f"expected uint8 or float32 (already prepared), got {dtype}")
    content = body[stream.tell():]
    if any(extent < 0 for extent in found) or len(content) != prod(found) * dtype.itemsize:
        raise DataError(f"the .npy file promises an array {found}, and holds {len(content)} bytes")
    return _batch(np.frombuffer(content, dtype).reshape(found, order="F" if by_columns else "C"), shape)


def of_picture(body: bytes, shape: Shape) -> NDArray[np.uint8]:
    """A picture, resized to the network's images; what is transparent in it is white."""
    channels, height, width = shape
    if channels not in MODES:
        raise ShapeError(f"pictures have 1 or 3 channels, the network takes {channels}; send a .npy file")
    picture = open_picture(io.BytesIO(body), channels).resize((width, height), BILINEAR)
    return np.asarray(picture, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)[None].copy()


def of_json(body: bytes, shape: Shape) -> Images:
    """The images of a document {"image": …} or {"images": [… of them]}.

    Each is nested lists (H, W) or (C, H, W), of integers from 0 to 255 or of already prepared numbers; or the base64 of
    its C · H · W bytes.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError("the body is not a document of JSON") from error
    match document:
        case {"image": each, **rest} if not rest:
            return _of_values(each, shape)[None]
        case {"images": list() as listed, **rest} if not rest and listed:
            images = [_of_values(each, shape) for each in listed]
            if len({each.dtype for each in images}) > 1:
                raise DtypeError("expected all images as integers, or all as prepared numbers")
            return _batch(np.stack(images), shape)
    raise DataError('expected {"image": …} or {"images": […]}')


def _of_values(values: Any, shape: Shape) -> Images:
    """One image (C, H, W)."""
    if isinstance(values, str):
        try:
            content = base64.b64decode(values, validate=True)
        except (binascii.Error, ValueError) as error:
            raise DataError("an image is text, and that is not base64") from error
        if len(content) != prod(shape):
            raise ShapeError(f"expected {prod(shape)} bytes for an image {shape}, got {len(content)}")
        return np.frombuffer(content, np.uint8).reshape(shape)
    if not isinstance(values, list):
        raise DataError("expected an image as nested lists or as base64")
    try:
        array = np.array(values)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ShapeError("expected an image as nested lists of equal lengths") from error
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    elif array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255:
        array = array.astype(np.uint8)
    else:
        raise DtypeError("expected an image of integers from 0 to 255, or of prepared numbers with a decimal point")
    image: Images = _batch(array, shape)[0]
    return image


def _batch(array: NDArray[Any], shape: Shape) -> Images:
    """The images in an array (H, W), (C, H, W) or (N, C, H, W), as the engine takes them."""
    whole = array.reshape((1,) * (4 - array.ndim) + array.shape) if 2 <= array.ndim <= 4 else array
    if whole.shape[1:] != shape or len(whole) == 0:
        raise ShapeError(f"the network takes images {shape}, got {array.shape}")
    return np.ascontiguousarray(whole, whole.dtype.newbyteorder("="))
