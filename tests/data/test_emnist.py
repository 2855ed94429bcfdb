import gzip

import numpy as np
import pytest

from fastconv.data import emnist
from fastconv.data.emnist import SPLITS
from fastconv.errors import DataError

IMAGES = np.arange(2 * 30 * 28 * 28, dtype=np.uint64).astype(np.uint8).reshape(2, 30, 28, 28)


@pytest.fixture
def folder_of(tmp_path, idx_bytes):
    """A folder with splits, each given by its labels."""

    def write(**splits):
        for split, labels in splits.items():
            for part, images in zip(("train", "test"), IMAGES, strict=True):
                stem = tmp_path / f"emnist-{split}-{part}"
                (stem.parent / f"{stem.name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
                (stem.parent / f"{stem.name}-labels-idx1-ubyte.gz").write_bytes(
                    gzip.compress(idx_bytes(np.resize(labels, 30).astype(np.uint8))))
        return tmp_path

    return write


def test_images_lie_on_their_side_and_are_turned_upright(folder_of):
    train, test = emnist(folder_of(digits=np.arange(10)))
    np.testing.assert_array_equal(train.images[:, 0], IMAGES[0].transpose(0, 2, 1))
    np.testing.assert_array_equal(test.images[:, 0], IMAGES[1].transpose(0, 2, 1))
    assert train.mean == test.mean


def test_letters_are_counted_from_one(folder_of):
    train, _ = emnist(folder_of(letters=np.arange(1, 27)))
    np.testing.assert_array_equal(train.labels[:26], np.arange(26))
    assert train.classes[0] == "a"
    assert train.classes[25] == "z"


def test_every_split_has_as_many_classes_as_its_paper_says():
    assert {name: len(classes) for name, classes in SPLITS.items()} == {
        "balanced": 47, "byclass": 62, "bymerge": 47, "digits": 10, "letters": 26, "mnist": 10}
    assert all(len(set(classes)) == len(classes) for classes in SPLITS.values())


def test_a_split_is_chosen_by_name(folder_of):
    folder = folder_of(digits=np.arange(10), letters=np.arange(1, 27))
    assert len(emnist(folder, "letters")[0].classes) == 26
    assert len(emnist(folder)[0].classes) == 10


@pytest.mark.parametrize(("split", "labels", "message"), [
    ("letters", np.arange(26), "expected labels from 1 to 26, got 0; this is not the split 'letters'"),
    ("digits", np.arange(11), "expected labels from 0 to 9, got 10"),
])
def test_labels_of_another_split_are_refused(folder_of, split, labels, message):
    with pytest.raises(DataError, match=message):
        emnist(folder_of(**{split: labels}))


def test_what_is_not_there_is_named(folder_of, tmp_path):
    with pytest.raises(DataError, match=r"emnist-balanced-train-images-idx3-ubyte\.gz"):
        emnist(tmp_path)
    with pytest.raises(ValueError, match="unknown split 'all'"):
        emnist(tmp_path, "all")
