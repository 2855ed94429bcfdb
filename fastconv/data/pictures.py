"""Pictures, through Pillow: one file, or a folder of them for each class."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastconv.data.dataset import Dataset
from fastconv.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

MODES = {1: "L", 3: "RGB"}  # Pillow's names for grey and colour, by the number of channels
GREY = ("1", "L", "LA", "La", "I", "F")  # Pillow's modes without colour, and what begins with "I;"

BILINEAR = 2  # Pillow's number for that way to resize

#: Endings of the files that are taken for pictures, and the formats they may have.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".pnm", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")

#: Pixels of the largest picture that is decoded.
LARGEST = 1 << 26


def open_picture(path: str | os.PathLike[str] | IO[bytes], channels: int | None = None) -> Image:
    """The picture in a file, or in a stream of bytes, upright, in grey or colour; transparent parts are white.

    channels: 1 for grey, 3 for colour; where not given as it is.
    Raises DataError, naming the file, where it is none or Pillow is missing; FileNotFoundError where it is not there.
    """
    source, path = path, path if isinstance(path, str | os.PathLike) else "the picture"
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise DataError(f'{path}: reading pictures needs Pillow: pip install "fastconv[images]"') from error
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):  # LARGEST is less
            opened = Image.open(source, formats=FORMATS)
        with opened as file:
            if file.width * file.height > LARGEST:
                raise DataError(f"{path}: expected at most {LARGEST} pixels, got {file.width} × {file.height}")
            mode = MODES[channels or (1 if file.mode in GREY or file.mode.startswith("I;") else 3)]
            picture: Image.Image = ImageOps.exif_transpose(file)
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip to 8 instead of scaling them
                picture = Image.fromarray((np.clip(picture, 0, 65535) // 257).astype(np.uint8))
            return picture.convert(mode)
    except (FileNotFoundError, DataError):
        raise
    except Exception as error:  # decoders raise whatever they stumble over in a damaged file
        raise DataError(f"{path}: not a readable picture: {error or type(error).__name__}") from error


def image_folder(folder: str | os.PathLike[str], size: tuple[int, int] | None = None, channels: int | None = None,
                 classes: tuple[str, ...] | None = None) -> Dataset:
    """The pictures of a folder with one folder for each class, which is named after it, (N, C, H, W) uint8.

    size: (height, width) that all pictures are resized to; where not given they must have one size already.
    channels: 1 for grey, 3 for colour; where not given grey if all pictures are.
    classes: the folders to read, in the order of their labels; where not given all, by name.

    Raises DataError, naming the file or the folder, for pictures that cannot be read or differ in size.
    """
    folder = Path(folder)
    names = classes or class_folders(folder)
    files = [(path, label) for label, name in enumerate(names) for path in pictures_of(folder / name)]
    if not files:
        raise DataError(f"{folder}: expected a folder of pictures ({', '.join(SUFFIXES)}) for each class, found none")
    arrays = [_pixels(path, size, channels) for path, _ in files]
    if channels is None and len({len(array) for array in arrays}) == 2:
        arrays = [array if len(array) == 3 else np.repeat(array, 3, axis=0) for array in arrays]
    for (path, _), array in zip(files, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise DataError(f"{path}: expected {_in_words(arrays[0])} pixels as in {files[0][0]}, got "
                            f"{_in_words(array)}; bring all pictures to one size")
    return Dataset(np.stack(arrays), np.array([label for _, label in files]), names)


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the folders in a folder that hold pictures, in order."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and any(pictures_of(path))))


def pictures_of(folder: Path) -> list[Path]:
    """The pictures in a folder, in order."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _pixels(path: Path, size: tuple[int, int] | None, channels: int | None) -> NDArray[np.uint8]:
    """A picture as (C, H, W)."""
    picture = open_picture(path, channels)
    if size is not None:
        picture = picture.resize((size[1], size[0]), BILINEAR)
    array = np.asarray(picture, np.uint8)
    return np.ascontiguousarray(array.reshape(*array.shape[:2], -1).transpose(2, 0, 1))


def _in_words(array: NDArray[np.uint8]) -> str:
    return f"{array.shape[1]} × {array.shape[2]}"
