"""Augmentations by name and as text."""

from __future__ import annotations

import pytest

from fastconv.data import AUGMENTATIONS, Augmentation, parse_augmentation
from fastconv.data.augmentations import changes


@pytest.mark.parametrize(("text", "expected"), [
    ("digits", AUGMENTATIONS["digits"]),
    ("shift=2.5, crop=3", Augmentation(shift=2.5, crop=3)),
    ("scale=0.8:1.25", Augmentation(scale=(0.8, 1.25))),
    ("photos,crop=1,mixup=0.2", Augmentation(crop=1, flip=0.5, mixup=0.2)),
    ("flip=0.1,photos", AUGMENTATIONS["photos"]),
])
def test_text_names_an_augmentation_or_its_numbers_and_what_comes_later_counts(text, expected):
    assert parse_augmentation(text) == expected


@pytest.mark.parametrize(("text", "message"), [
    ("faces", "digits, elastic, .* or NAME=NUMBER with one of shift, .*; got 'faces'"),
    ("", "got ''"),
    ("shift", "got 'shift'"),
    ("digits=1", "got 'digits=1'"),
    ("shift=far", "expected shift=NUMBER, got shift=far"),
    ("crop=1.5", "expected crop=PIXELS, got crop=1.5"),
    ("scale=1.1", "expected scale=LEAST:MOST, got scale=1.1"),
    ("flip=2", "flip from 0 to 1, got 2"),
])
def test_other_text_is_refused_with_what_is_expected(text, message):
    with pytest.raises(ValueError, match=message):
        parse_augmentation(text)


def test_handwriting_is_never_flipped():
    assert AUGMENTATIONS["digits"].flip == AUGMENTATIONS["elastic"].flip == 0


@pytest.mark.parametrize("augmentation", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_changes_make_the_augmentation_again(augmentation):
    assert Augmentation(**changes(augmentation)) == augmentation
    assert 0 not in changes(augmentation).values()
