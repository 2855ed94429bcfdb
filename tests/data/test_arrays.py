import io
import struct
import zipfile

import numpy as np
import pytest

from fastconv.data import npy, npz
from fastconv.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 3, 5, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
FOUR = {"train_images": IMAGES, "train_labels": LABELS, "test_images": IMAGES[:2], "test_labels": LABELS[:2]}


@pytest.fixture(params=["npz", "compressed", "npy"])
def read(request, tmp_path):
    """Writes arrays in one of the formats and reads them."""

    def write_and_read(**arrays):
        if request.param == "npy":
            for name, array in arrays.items():
                np.save(tmp_path / f"{name}.npy", array)
            return npy(tmp_path)
        save = np.savez if request.param == "npz" else np.savez_compressed
        save(tmp_path / "set.npz", **arrays)
        return npz(tmp_path / "set.npz")

    return write_and_read


def test_four_arrays_are_a_training_and_a_test_set(read):
    train, test = read(**FOUR)
    np.testing.assert_array_equal(train.images, IMAGES)
    np.testing.assert_array_equal(test.labels, LABELS[:2])
    assert train.classes == test.classes == ("0", "1", "2")
    np.testing.assert_array_equal(train.mean, test.mean)


def test_keras_names_and_label_columns_will_do(read):
    train, test = read(x_train=IMAGES, y_train=LABELS[:, None], x_test=IMAGES, y_test=LABELS[:, None])
    np.testing.assert_array_equal(train.labels, LABELS)
    assert len(test) == 6


def test_one_set_has_no_test_part(read):
    classes = np.array(["a", "b", "c"])
    train, test = read(images=IMAGES.astype(np.float32), labels=LABELS.astype(np.uint8), classes=classes)
    assert test is None
    assert train.images.dtype == np.float32
    assert train.classes == ("a", "b", "c")


def test_grey_images_need_no_axis_of_channels(read):
    assert read(images=IMAGES[:, 0], labels=LABELS)[0].images.shape == (6, 1, 5, 4)


def test_channels_last_become_channels_first_where_images_may_be_copied(tmp_path):
    last = np.ascontiguousarray(IMAGES.transpose(0, 2, 3, 1))
    np.savez(tmp_path / "set.npz", images=last, labels=LABELS)
    np.testing.assert_array_equal(npz(tmp_path / "set.npz")[0].images, IMAGES)
    for wrong in (last, np.asfortranarray(IMAGES)):
        np.save(tmp_path / "images.npy", wrong)
        np.save(tmp_path / "labels.npy", LABELS)
        with pytest.raises(DataError, match=r"images.npy to be \(N, C, H, W\) in C order"):
            npy(tmp_path)


def test_mapped_images_stay_on_the_disk(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "labels.npy", LABELS)
    train, _ = npy(tmp_path)
    assert not train.images.flags.owndata
    assert not train.images.flags.writeable
    assert np.shares_memory(train.images, train.images.base)


@pytest.mark.parametrize(("arrays", "message"), [
    ({"train_images": IMAGES}, "expected arrays named train_images, .*; found train_images"),
    ({}, "found none"),
    ({"images": IMAGES, "labels": LABELS[:5]}, "5 labels for 6 images"),
    ({"images": IMAGES, "labels": LABELS.astype(float)}, r"labels to be integer labels \(N,\), got float64 \(6,\)"),
    ({"images": IMAGES, "labels": LABELS - 1}, "from 0 to 1 .*got -1"),
    ({"images": IMAGES, "labels": LABELS + 10**9}, "labels below 65536"),
    ({"images": IMAGES.astype(float), "labels": LABELS}, "got float64"),
    ({"images": IMAGES[0, 0], "labels": LABELS}, r"expected images \(N, C, H, W\)"),
    ({"images": IMAGES, "labels": LABELS, "classes": np.array(["a"])}, "1 classes"),
    ({"images": IMAGES, "labels": LABELS, "classes": np.array([0, 1, 2])}, r"classes to be text \(K,\), got int64"),
    ({**FOUR, "test_images": IMAGES[:2, :, :2]}, r"training images' size \(3, 5, 4\), got \(3, 2, 4\)"),
])
def test_what_is_no_data_set_is_refused(read, arrays, message):
    with pytest.raises(DataError, match=message):
        read(**arrays)


def member(header: bytes, content: bytes = b"") -> bytes:
    """A .npy file with a header of one's own."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


HOSTILE = {
    "huge": member(b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 1, 28, 28)}"),
    "beyond 64 bits": member(b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
    "negative": member(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 1, 28, 28)}", b"\0" * 784),
    "empty elements": member(b"{'descr': '|S0', 'fortran_order': False, 'shape': (2147483648, 2147483647, 1)}"),
    "objects": member(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x80\x04K\x01."),
    "code": member(b"__import__('os').abort()"),
    "nested": member(b"(" * 9000),
    "no shape": member(b"{'descr': '|u1'}"),
    "no header": b"\x93NUMPY",
    "nothing": b"",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_refused(tmp_path, content):
    (tmp_path / "images.npy").write_bytes(content)
    np.save(tmp_path / "labels.npy", LABELS)
    with pytest.raises(DataError, match="images"):
        npy(tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("images.npy", content)
        archive.write(tmp_path / "labels.npy", "labels.npy")
    (tmp_path / "set.npz").write_bytes(packed.getvalue())
    with pytest.raises(DataError, match=r"set\.npz"):
        npz(tmp_path / "set.npz")


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"set\.npz: not a readable .npz file"):
        npz(tmp_path / "set.npz")
    with pytest.raises(DataError, match=r"none\.npz: not a readable .npz file: No such file"):
        npz(tmp_path / "none.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused_with_their_image(read, value):
    images = IMAGES.astype(np.float32)
    images[4, 0, 0, 0] = value
    with pytest.raises(DataError, match="test_images contains NaN or infinite pixels, first in image 4"):
        read(train_images=IMAGES.astype(np.float32), train_labels=LABELS, test_images=images, test_labels=LABELS)
