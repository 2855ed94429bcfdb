import contextlib
import sys

import numpy as np
import pytest

from fastconv.errors import DataError, DtypeError, ShapeError
from fastconv_cli.images import read_images

GREY, COLOUR = (1, 4, 6), (3, 4, 6)
PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


@pytest.fixture
def picture(tmp_path):
    """Saves an array as a picture."""
    image = pytest.importorskip("PIL.Image")

    def save(array, name="picture.png"):
        image.fromarray(array).save(tmp_path / name)
        return tmp_path / name

    return save


@pytest.mark.parametrize("name", ["picture.png", "picture.pgm", "PICTURE.PNG"])
def test_a_grey_picture_keeps_its_pixels(picture, name):
    np.testing.assert_array_equal(read_images(picture(PIXELS, name), GREY, False), PIXELS[None, None])


def test_a_grey_picture_becomes_colour_and_back(picture):
    colour = read_images(picture(PIXELS), COLOUR, False)
    np.testing.assert_array_equal(colour, np.broadcast_to(PIXELS, (1, *COLOUR)))
    np.testing.assert_array_equal(read_images(picture(colour[0].transpose(1, 2, 0)), GREY, False)[0, 0], PIXELS)


def test_a_picture_is_resized(picture):
    large = np.repeat(np.repeat(np.full((4, 6), 77, np.uint8), 3, 0), 3, 1)
    np.testing.assert_array_equal(read_images(picture(large), GREY, False), np.full((1, *GREY), 77))


def test_invert_swaps_light_and_dark(picture):
    np.testing.assert_array_equal(read_images(picture(PIXELS), GREY, True), 255 - PIXELS[None, None])


def test_what_is_transparent_is_white(picture):
    rgba = np.zeros((4, 6, 4), np.uint8)
    rgba[0, 0, 3] = 255
    found = read_images(picture(rgba), GREY, False)[0, 0]
    assert found[0, 0] == 0
    assert np.all(found.ravel()[1:] == 255)


def test_a_picture_of_16_bits_keeps_its_contrast(picture):
    found = read_images(picture(PIXELS.astype(np.uint16) * 2570), GREY, False)[0, 0]
    np.testing.assert_allclose(found, PIXELS * 10.0, atol=1)


def test_a_cut_off_picture_is_a_data_error_that_names_the_file(picture):
    path = picture(np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8))
    content = path.read_bytes()
    for length in range(0, len(content) - 12, 97):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"picture\.png"):
            read_images(path, GREY, False)


def test_a_damaged_array_file_is_an_error_that_names_it_or_gives_an_array(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, PIXELS)
    content = path.read_bytes()
    for at in range(len(content)):
        for byte in (0, 0x27, 0xFF, content[at] ^ 1):
            path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
            with contextlib.suppress(DataError, DtypeError, ShapeError):
                read_images(path, GREY, False)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"array\.npy"):
            read_images(path, GREY, False)


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = tmp_path / "array.npy"
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 1, 4, 6)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(PIXELS.tobytes())
    with pytest.raises(DataError, match=r"array\.npy: not a readable \.npy file"):
        read_images(path, None, False)


def test_a_missing_file_is_told_as_such(tmp_path):
    for name in ("picture.png", "array.npy"):
        with pytest.raises(FileNotFoundError):
            read_images(tmp_path / name, GREY, False)


def test_without_pillow_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r'pip install "fastconv\[images\]"'):
        read_images(tmp_path / "picture.png", GREY, False)


def test_a_picture_for_a_network_of_unknown_size_or_two_channels_is_refused(tmp_path):
    for shape in (None, (2, 4, 6)):
        with pytest.raises(ShapeError, match=r"\.npy"):
            read_images(tmp_path / "picture.png", shape, False)
