import dataclasses
import pickle
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastconv.data import Dataset, as_dataset
from fastconv.errors import DataError, DtypeError, ShapeError

IMAGES = np.arange(4 * 1 * 3 * 2, dtype=np.uint8).reshape(4, 1, 3, 2)
LABELS = np.array([0, 1, 2, 1])
CLASSES = ("a", "b", "c")


def test_dataset_holds_its_arrays_and_tells_its_length():
    dataset = Dataset(IMAGES, LABELS, ["a", "b", "c"])
    assert len(dataset) == 4
    assert dataset.images is IMAGES
    assert dataset.labels is LABELS
    assert dataset.classes == CLASSES
    assert repr(dataset) == "Dataset(4 images 1×3×2 uint8, 3 classes)"


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, np.int64])
def test_labels_of_any_integer_type_become_int64(dtype):
    assert Dataset(IMAGES, LABELS.astype(dtype), CLASSES).labels.dtype == np.int64


def test_labels_may_be_a_list():
    np.testing.assert_array_equal(Dataset(IMAGES, [0, 1, 2, 1], CLASSES).labels, LABELS)


def test_images_of_any_layout_become_contiguous():
    strided = np.repeat(IMAGES, 2, axis=3)[..., ::2]
    dataset = Dataset(strided, LABELS, CLASSES)
    assert dataset.images.flags.c_contiguous
    np.testing.assert_array_equal(dataset.images, IMAGES)


def test_a_dataset_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dataset(IMAGES, LABELS, CLASSES).labels = LABELS


def test_a_dataset_survives_replace_and_pickle():
    changed = dataclasses.replace(Dataset(IMAGES, LABELS, CLASSES), mean=[0.5], std=[2.0])
    copy = pickle.loads(pickle.dumps(changed))
    np.testing.assert_array_equal(copy.images, IMAGES)
    assert (copy.mean, copy.std) == (0.5, 2.0)


@given(
    hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
    )
)
def test_statistics_are_those_of_the_scaled_pixels_of_each_channel(images):
    dataset = Dataset(images, np.zeros(len(images), np.int64), ["only"])
    scaled = images / 255.0
    std = scaled.std(axis=(0, 2, 3))
    constant = images.min(axis=(0, 2, 3)) == images.max(axis=(0, 2, 3))
    assert dataset.mean.dtype == dataset.std.dtype == np.float32
    np.testing.assert_allclose(dataset.mean, scaled.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(dataset.std, np.where(constant, 1, std), rtol=1e-6)


def test_statistics_are_right_over_many_blocks_and_need_no_float_copy_of_the_set():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6000, 2, 28, 28), dtype=np.uint8)
    images[:, 1] //= 4
    tracemalloc.start()
    dataset = Dataset(images, np.zeros(6000, np.int64), ["only"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < images.nbytes
    for channel in range(2):
        np.testing.assert_allclose(dataset.mean[channel], images[:, channel].mean() / 255, rtol=1e-6)
        np.testing.assert_allclose(dataset.std[channel], images[:, channel].std() / 255, rtol=1e-6)


def test_no_thread_of_the_linear_algebra_library_is_left_looking_for_work():
    images = np.random.default_rng(0).integers(0, 256, (6000, 1, 28, 28), dtype=np.uint8)
    Dataset(images, np.zeros(6000, np.int64), ["only"])
    begun = time.process_time()
    time.sleep(0.08)
    assert time.process_time() - begun < 0.04  # a thread that looks for work takes all of a processor for 0.1 s


def test_an_image_larger_than_a_block_is_measured_whole():
    images = np.zeros((2, 1, 600, 600), np.uint8)
    images[1] = 255
    dataset = Dataset(images, [0, 0], ["only"])
    assert (dataset.mean, dataset.std) == (0.5, 0.5)


def test_a_constant_channel_has_std_one():
    dataset = Dataset(np.full((3, 2, 4, 4), 7, np.uint8), [0, 0, 0], ["only"])
    np.testing.assert_array_equal(dataset.std, [1, 1])


def test_float_images_are_taken_as_already_prepared():
    dataset = Dataset(IMAGES.astype(np.float32), LABELS, CLASSES)
    assert dataset.images.dtype == np.float32
    assert (dataset.mean, dataset.std) == (0, 1)


def test_given_statistics_are_kept_as_copies():
    mean = np.array([0.25], np.float32)
    dataset = Dataset(IMAGES, LABELS, CLASSES, mean=mean)
    mean[0] = 9
    assert dataset.mean == 0.25
    assert dataset.std == Dataset(IMAGES, LABELS, CLASSES).std


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"images": IMAGES[:, 0]}, ShapeError, r"\(N, C, H, W\), got \(4, 3, 2\); add the channel axis with"),
        ({"images": IMAGES[0, 0]}, ShapeError, r"\(N, C, H, W\), got \(3, 2\)$"),
        ({"images": IMAGES.astype(np.float64)}, DtypeError, "uint8 .* or float32 .*, got float64"),
        ({"images": IMAGES.astype(bool)}, DtypeError, "got bool"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, DataError, "at least one image, got none"),
        ({"images": IMAGES[:, :, :0]}, ShapeError, r"at least 1, got images \(4, 1, 0, 2\)"),
        ({"labels": LABELS[:3]}, ShapeError, "got 3 labels for 4 images"),
        ({"labels": LABELS[:, None]}, ShapeError, r"labels \(N,\), got \(4, 1\)"),
        ({"labels": LABELS.astype(np.float32)}, DtypeError, "integer labels, got float32"),
        ({"labels": LABELS.astype(bool)}, DtypeError, "integer labels, got bool"),
        ({"labels": [0, 1, -1, 2]}, DataError, r"from 0 to 2 \(3 classes\), got -1 at index 2"),
        ({"labels": [0, 3, 1, 2]}, DataError, r"from 0 to 2 \(3 classes\), got 3 at index 1"),
        (
            {"labels": np.array([0, 2**64 - 1, 1, 2], np.uint64)},
            DataError,
            "got 18446744073709551615 at index 1",
        ),
        ({"labels": []}, DataError, "at least one label, got none"),
        ({"classes": "abc"}, DtypeError, "sequence of names, got 'abc'"),
        ({"classes": []}, DtypeError, r"sequence of names, got \[\]"),
        ({"classes": [0, 1, 2]}, DtypeError, r"sequence of names, got \[0, 1, 2\]"),
        ({"mean": [0.1, 0.2]}, ShapeError, r"mean of shape \(1,\), one per channel, got \(2,\)"),
        ({"std": 0.3}, ShapeError, r"std of shape \(1,\), one per channel, got \(\)"),
        ({"std": [0]}, DataError, r"std must be above 0 .* got \[0.0\]"),
        ({"mean": [np.nan]}, DataError, r"finite mean, got \[nan\]"),
    ],
)
def test_what_is_no_dataset_is_refused_with_what_was_found(changes, error, message):
    with pytest.raises(error, match=message):
        Dataset(**{"images": IMAGES, "labels": LABELS, "classes": CLASSES, **changes})


def test_as_dataset_returns_a_dataset_itself():
    dataset = Dataset(IMAGES, LABELS, CLASSES)
    assert as_dataset(dataset) is dataset


@pytest.mark.parametrize("pair", [(IMAGES, LABELS), [IMAGES, LABELS.tolist()]])
def test_as_dataset_names_the_classes_of_a_pair_by_their_labels(pair):
    dataset = as_dataset(pair)
    assert dataset.classes == ("0", "1", "2")
    assert dataset.images is IMAGES


@pytest.mark.parametrize(
    ("found", "error", "message"),
    [
        (IMAGES, DtypeError, "a Dataset or a pair .* got ndarray"),
        ((IMAGES,), DtypeError, "got tuple of 1"),
        ((IMAGES, LABELS, LABELS), DtypeError, "got tuple of 3"),
        (None, DtypeError, "got NoneType"),
        ((IMAGES[:, 0], LABELS), ShapeError, "add the channel axis"),
        ((IMAGES, [0, 1, 2, -1]), DataError, "got -1 at index 3"),
        ((IMAGES, [0, 1, 2, 10**12]), DataError, "got 1000000000000 at index 3"),
        ((IMAGES[:0], LABELS[:0]), DataError, "got none"),
    ],
)
def test_as_dataset_refuses_what_is_no_data(found, error, message):
    with pytest.raises(error, match=message):
        as_dataset(found)
