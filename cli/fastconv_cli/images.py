"""Reading the images to predict: pictures through Pillow, or NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from fastconv.data.pictures import BILINEAR, MODES, open_picture
from fastconv.errors import DataError, DtypeError, ShapeError

Images = NDArray[np.uint8] | NDArray[np.float32]
Shape = tuple[int, int, int]

def read_images(path: Path, shape: Shape | None, invert: bool) -> Images:
    """The images of a file, (N, C, H, W), for a network whose images are `shape`: (C, H, W).

    A picture is converted and resized to that shape; an array (.npy) must have it already.
    `invert` swaps light and dark.

    Raises DataError, DtypeError or ShapeError that name the file.
    """
    images = read_array(path, shape) if path.suffix.lower() == ".npy" else read_picture(path, shape)
    if invert and images.dtype != np.uint8:
        raise DtypeError(f"{path}: only uint8 images can be inverted, got {images.dtype}")
    return 255 - images if invert else images


def read_array(path: Path, shape: Shape | None) -> Images:
    """The images in a .npy file: (H, W), (C, H, W) or (N, C, H, W), uint8 or float32."""
    try:
        # Mapped, a header that promises more than the file holds is refused before any memory is taken.
        array = np.array(open_memmap(path, mode="r"))
    except (ValueError, TypeError, SyntaxError, TokenError) as error:
        raise DataError(f"{path}: not a readable .npy file: {error}") from error
    if array.dtype != np.uint8 and array.dtype != np.float32:
        raise DtypeError(f"{path}: expected uint8 or float32 (already prepared), got {array.dtype}")
    if not 2 <= array.ndim <= 4 or 0 in array.shape:
        raise ShapeError(f"{path}: expected (H, W), (C, H, W) or (N, C, H, W), got {array.shape}")
    images = array.reshape((1,) * (4 - array.ndim) + array.shape)
    if shape is not None and images.shape[1:] != shape:
        raise ShapeError(f"{path}: the network takes images {shape}, got {images.shape[1:]}")
    if not np.all(np.isfinite(images)):
        raise DataError(f"{path}: contains NaN or infinite pixels")
    return images


def read_picture(path: Path, shape: Shape | None) -> NDArray[np.uint8]:
    """The picture in an image file, (1, C, H, W): what is transparent in it is white."""
    if shape is None:
        raise ShapeError(f"{path}: the network does not say the size of its images; use .npy")
    channels, height, width = shape
    if channels not in MODES:
        raise ShapeError(f"{path}: pictures have 1 or 3 channels, the network takes {channels}; use .npy")
    picture = open_picture(path, channels).resize((width, height), BILINEAR)
    return np.asarray(picture, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)[None].copy()
