import sys

import numpy as np
import pytest

from fastconv.data import image_folder
from fastconv.data.pictures import open_picture
from fastconv.errors import DataError

image = pytest.importorskip("PIL.Image")

GREY = np.arange(24, dtype=np.uint8).reshape(4, 6)
COLOUR = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)


@pytest.fixture
def folder_of(tmp_path):
    """A folder of pictures, given by their paths."""

    def write(pictures):
        for name, array in pictures.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            image.fromarray(array).save(tmp_path / name)
        return tmp_path

    return write


def test_folders_are_classes_in_the_order_of_their_names(folder_of):
    dataset = image_folder(folder_of({"dog/b.png": GREY, "cat/x.PNG": GREY + 1, "dog/a.bmp": GREY + 2}))
    assert dataset.classes == ("cat", "dog")
    np.testing.assert_array_equal(dataset.labels, [0, 1, 1])
    np.testing.assert_array_equal(dataset.images[:, 0], [GREY + 1, GREY + 2, GREY])


def test_pictures_are_colour_if_one_of_them_is(folder_of):
    folder = folder_of({"a/1.png": GREY, "a/2.png": COLOUR})
    dataset = image_folder(folder)
    np.testing.assert_array_equal(dataset.images[0], np.stack([GREY] * 3))
    np.testing.assert_array_equal(dataset.images[1], COLOUR.transpose(2, 0, 1))
    assert image_folder(folder, channels=1).images.shape == (2, 1, 4, 6)


def test_pictures_of_several_sizes_are_named_and_resized_when_asked(folder_of):
    folder = folder_of({"a/1.png": GREY, "a/2.png": np.full((8, 12), 7, np.uint8)})
    with pytest.raises(DataError, match=r"2.png: expected 4 × 6 pixels as in .*1.png, got 8 × 12; bring all pictures"):
        image_folder(folder)
    np.testing.assert_array_equal(image_folder(folder, size=(4, 6)).images[1], np.full((1, 4, 6), 7))


def test_what_is_no_picture_is_passed_over_or_named(folder_of):
    folder = folder_of({"a/1.png": GREY})
    (folder / "a" / "notes.txt").write_text("notes")
    (folder / "empty").mkdir()
    assert image_folder(folder).classes == ("a",)
    (folder / "a" / "2.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"2\.png: not a readable picture"):
        image_folder(folder)


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(DataError, match=r"expected a folder of pictures \(.png, .*\) for each class, found none"):
        image_folder(tmp_path)


def test_a_picture_too_large_to_be_meant_is_not_decoded(folder_of):
    folder = folder_of({"a/1.png": GREY})
    path = folder / "a" / "1.png"
    content = bytearray(path.read_bytes())
    content[16:24] = (20_000).to_bytes(4, "big") * 2
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"1\.png"):
        image_folder(folder)


def test_without_pillow_the_message_says_what_to_install(folder_of, monkeypatch):
    folder = folder_of({"a/1.png": GREY})
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r'needs Pillow: pip install "fastconv\[images\]"'):
        image_folder(folder)


@pytest.mark.filterwarnings("error")
def test_a_picture_too_large_is_one_error_without_a_warning_of_pillow(tmp_path):
    image.new("1", (9500, 9500)).save(tmp_path / "huge.png")
    with pytest.raises(DataError, match=r"huge\.png: expected at most 67108864 pixels, got 9500 × 9500"):
        open_picture(tmp_path / "huge.png")
