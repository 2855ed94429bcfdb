"""Part of a data set held out, to choose by."""

from __future__ import annotations

import numpy as np

from fastconv.data.dataset import Dataset
from fastconv.errors import DataError


def stratified_split(dataset: Dataset, share: float, seed: int = 0) -> tuple[Dataset, Dataset]:
    """(the rest, the held-out part): `share` of each class, rounded, drawn by the seed, is held out.

    Both keep the order of the images and have the mean and std of the rest.
    Raises ValueError for a share not between 0 and 1, DataError where either part would be empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(dataset), bool)
    for label in range(len(dataset.classes)):
        members = np.flatnonzero(dataset.labels == label)
        held_out[rng.permutation(members)[:round(share * len(members))]] = True
    if held_out.all() or not held_out.any():
        raise DataError(f"{len(dataset)} images in {len(dataset.classes)} classes are too few to hold out {share:g} "
                        "of each class")
    rest = Dataset(dataset.images[~held_out], dataset.labels[~held_out], dataset.classes)
    return rest, Dataset(dataset.images[held_out], dataset.labels[held_out], dataset.classes, rest.mean, rest.std)
