"""Holding out a part of a data set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.data import Dataset, stratified_split
from fastconv.errors import DataError


def numbered(labels, classes):
    """A set whose images hold their own place in it."""
    images = np.arange(len(labels), dtype=np.float32)[:, None, None, None]
    return Dataset(images, labels, [str(label) for label in range(classes)])


def places(dataset):
    return dataset.images[:, 0, 0, 0].astype(int).tolist()


@given(counts=st.lists(st.integers(2, 20), min_size=1, max_size=5), share=st.sampled_from([0.25, 0.5, 0.6]),
       seed=st.integers(0, 1000))
def test_a_share_of_each_class_is_held_out_and_every_image_is_in_one_part(counts, share, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    if sum(round(share * count) for count in counts) == 0:
        return
    rest, held_out = stratified_split(numbered(labels, len(counts)), share, seed)
    assert np.bincount(held_out.labels, minlength=len(counts)).tolist() == [round(share * count) for count in counts]
    assert sorted(places(rest) + places(held_out)) == list(range(len(labels)))
    for part in rest, held_out:
        assert places(part) == sorted(places(part))
        assert part.labels.tolist() == labels[places(part)].tolist()


def test_the_seed_decides_which_are_held_out():
    dataset = numbered(np.zeros(100, np.int64), 1)
    drawn = [places(stratified_split(dataset, 0.5, seed)[1]) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_both_parts_have_the_statistics_of_the_rest():
    images = np.random.default_rng(0).integers(0, 256, (40, 2, 3, 3), np.uint8)
    rest, held_out = stratified_split(Dataset(images, np.arange(40) % 4, ("a", "b", "c", "d")), 0.25)
    expected = Dataset(rest.images, rest.labels, rest.classes)
    for part in rest, held_out:
        assert part.mean.tolist() == expected.mean.tolist()
        assert part.std.tolist() == expected.std.tolist()
        assert part.classes == expected.classes


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r"share must be between 0 and 1"):
        stratified_split(numbered(np.zeros(4, np.int64), 1), share)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_too_few_images_for_two_parts_are_refused(share):
    with pytest.raises(DataError, match="2 images in 2 classes are too few"):
        stratified_split(numbered(np.array([0, 1]), 2), share)
