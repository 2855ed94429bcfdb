import hashlib
import importlib.util
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from fastconv.data import digits
from fastconv.errors import DataError

# SHA-256 of the training images, training labels, test images and test labels, uint8, one after the other.
DIGEST = "7a441cb95b7f7f23e73050733be725cb8e0e7a263fade067df9f90ae350fc030"
SCRIPT = Path(__file__).parents[2] / "scripts" / "make_digits.py"


@pytest.fixture(scope="module")
def make_digits():
    """The script that draws the digits, as a module."""
    spec = importlib.util.spec_from_file_location("make_digits", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def synthetic_mnist(tmp_path_factory, idx_bytes):
    """A folder with MNIST's files: 7,000 and 1,500 images of 2×2 random pixels, classes of unequal sizes."""
    folder = tmp_path_factory.mktemp("mnist")
    rng = np.random.default_rng(0)
    for part, count in (("train", 7000), ("t10k", 1500)):
        images = rng.integers(0, 256, (count, 2, 2), dtype=np.uint8)
        labels = rng.permutation(np.arange(count) % 11 % 10).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder


def digest(train_images, train_labels, test_images, test_labels):
    return hashlib.sha256(
        b"".join(a.astype(np.uint8).tobytes() for a in (train_images, train_labels, test_images, test_labels))
    ).hexdigest()


def test_digits_are_6000_and_1000_images_of_28_by_28():
    train, test = digits()
    assert train.images.shape == (6000, 1, 28, 28)
    assert test.images.shape == (1000, 1, 28, 28)
    assert train.images.dtype == test.images.dtype == np.uint8
    assert train.classes == test.classes == tuple("0123456789")


def test_every_digit_is_there_equally_often_and_in_mixed_order():
    for dataset, per_class in zip(digits(), (600, 100), strict=True):
        np.testing.assert_array_equal(np.bincount(dataset.labels), [per_class] * 10)
        for part in np.split(dataset.labels, 5):
            np.testing.assert_allclose(np.bincount(part), per_class / 5, rtol=0.5)


def test_digits_are_bit_for_bit_those_drawn():
    train, test = digits()
    assert digest(train.images, train.labels, test.images, test.labels) == DIGEST


def test_both_sets_have_the_statistics_of_the_training_set():
    train, test = digits()
    assert train.mean == test.mean == pytest.approx((train.images / 255).mean(), rel=1e-6)
    assert train.std == test.std == pytest.approx((train.images / 255).std(), rel=1e-6)


def test_no_test_image_is_a_training_image():
    train, test = digits()
    seen = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in seen for image in test.images)


def test_each_call_returns_arrays_of_its_own():
    first, _ = digits()
    first.images[:] = 0
    assert digits()[0].images.any()


def test_the_embedded_file_is_small_and_its_licence_lies_beside_it():
    folder = resources.files("fastconv.data")
    assert len(folder.joinpath("digits.npz").read_bytes()) <= 1_600_000
    assert "CC BY-SA 3.0" in folder.joinpath("NOTICE").read_text(encoding="utf-8")


def test_loading_the_digits_imports_no_numba():
    code = "import sys; from fastconv import data; data.digits(); sys.exit('numba' in sys.modules)"
    root = SCRIPT.parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_the_script_writes_the_same_bytes_twice(make_digits, synthetic_mnist, tmp_path):
    for name in ("first.npz", "second.npz"):
        make_digits.make_digits(synthetic_mnist, tmp_path / name)
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


def test_the_script_draws_each_class_equally_and_no_image_twice(make_digits, synthetic_mnist):
    for dataset, per_class in zip(make_digits.mnist(synthetic_mnist), (600, 100), strict=True):
        chosen = make_digits.draw(dataset, per_class)
        assert len(np.unique(chosen)) == len(chosen)
        np.testing.assert_array_equal(np.bincount(dataset.labels[chosen]), [per_class] * 10)


def test_the_script_refuses_a_set_with_too_few_of_a_class(make_digits, synthetic_mnist):
    train, _ = make_digits.mnist(synthetic_mnist)
    with pytest.raises(DataError, match='class "1": expected at least 1000 images'):
        make_digits.draw(train, 1000)


@pytest.mark.skipif(
    "MNIST_FOLDER" not in os.environ, reason="MNIST_FOLDER names no folder with MNIST's files"
)
def test_the_script_draws_the_embedded_digits_from_mnist(make_digits, tmp_path):
    make_digits.make_digits(Path(os.environ["MNIST_FOLDER"]), tmp_path / "digits.npz")
    with np.load(tmp_path / "digits.npz") as arrays:
        assert digest(*arrays.values()) == DIGEST
