import gzip

import numpy as np
import pytest

from fastconv.data import mnist
from fastconv.errors import DataError

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def arrays(height=28, width=28):
    rng = np.random.default_rng(0)
    return {
        TRAIN_IMAGES: rng.integers(0, 256, (30, height, width), dtype=np.uint8),
        TRAIN_LABELS: np.arange(30, dtype=np.uint8) % 10,
        TEST_IMAGES: rng.integers(0, 99, (12, height, width), dtype=np.uint8),
        TEST_LABELS: np.arange(12, dtype=np.uint8) % 10,
    }


@pytest.fixture
def folder_of(tmp_path, idx_bytes):
    """A folder that holds the given arrays, by the names of their files."""

    def write(arrays, rename=lambda name: name, compress=lambda content: content):
        for name, array in arrays.items():
            (tmp_path / rename(name)).write_bytes(compress(idx_bytes(array)))
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("rename", "compress"),
    [
        (lambda name: name, lambda content: content),
        (lambda name: f"{name}.gz", gzip.compress),
        (lambda name: name.replace("-idx", ".idx"), lambda content: content),
        (lambda name: name.replace("-idx", ".idx") + ".gz", gzip.compress),
        (lambda name: f"{name}.gz", lambda content: content),
        (lambda name: name, gzip.compress),
    ],
    ids=["plain", "gz", "dotted", "dotted-gz", "gz-by-name-only", "gz-by-content-only"],
)
def test_four_files_become_a_training_and_a_test_set(folder_of, rename, compress):
    files = arrays()
    train, test = mnist(folder_of(files, rename, compress))
    assert train.images.shape == (30, 1, 28, 28)
    assert train.images.dtype == test.images.dtype == np.uint8
    np.testing.assert_array_equal(train.images[:, 0], files[TRAIN_IMAGES])
    np.testing.assert_array_equal(train.labels, files[TRAIN_LABELS])
    np.testing.assert_array_equal(test.images[:, 0], files[TEST_IMAGES])
    np.testing.assert_array_equal(test.labels, files[TEST_LABELS])
    assert train.classes == test.classes == tuple("0123456789")


def test_the_test_set_has_the_statistics_of_the_training_set(folder_of):
    files = arrays()
    train, test = mnist(str(folder_of(files)))
    assert train.mean == test.mean == pytest.approx(files[TRAIN_IMAGES].mean() / 255)
    assert train.std == test.std == pytest.approx(files[TRAIN_IMAGES].std() / 255)


def test_images_may_have_any_size_and_classes_any_names(folder_of):
    train, _ = mnist(folder_of(arrays(height=20, width=32)), classes=[f"letter {i}" for i in range(26)])
    assert train.images.shape == (30, 1, 20, 32)
    assert len(train.classes) == 26


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: expected a folder"):
        mnist(tmp_path / "nowhere")


@pytest.mark.parametrize("missing", arrays())
def test_a_missing_file_is_named(folder_of, missing):
    folder = folder_of(arrays())
    (folder / missing).unlink()
    with pytest.raises(DataError, match=f"expected a file {missing} or {missing}.gz, found neither"):
        mnist(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TRAIN_IMAGES, np.zeros(30, np.uint8), r"expected images \(N, H, W\) uint8, got \(30,\) uint8"),
        (TEST_IMAGES, np.zeros((12, 28, 28), np.float32), r"got \(12, 28, 28\) float32"),
        (TRAIN_LABELS, np.zeros((30, 28, 28), np.uint8), r"labels \(N,\) uint8, got \(30, 28, 28\) uint8"),
        (TEST_LABELS, np.zeros(12, np.int32), r"labels \(N,\) uint8, got \(12,\) int32"),
        (
            TRAIN_LABELS,
            np.zeros(12, np.uint8),
            f"expected 30 labels, one per image of {TRAIN_IMAGES}, got 12",
        ),
        (TEST_LABELS, np.full(12, 10, np.uint8), r"from 0 to 9, got 10; .* mnist\(folder, classes=...\)"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named(folder_of, name, content, message):
    with pytest.raises(DataError, match=f"{name}: .*{message}"):
        mnist(folder_of({**arrays(), name: content}))


def test_test_images_of_another_size_are_refused(folder_of):
    files = {**arrays(), TEST_IMAGES: np.zeros((12, 14, 14), np.uint8)}
    with pytest.raises(DataError, match=r"training images' size \(1, 28, 28\), got \(1, 14, 14\)"):
        mnist(folder_of(files))


def test_a_damaged_file_is_named(folder_of):
    folder = folder_of(arrays())
    (folder / TEST_LABELS).write_bytes(b"<html>")
    with pytest.raises(DataError, match=f"{TEST_LABELS}: not an IDX file"):
        mnist(folder)
