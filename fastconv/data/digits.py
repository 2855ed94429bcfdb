"""The digits that come with fastconv: a part of MNIST, so that nothing need be downloaded to begin."""

from importlib import resources

import numpy as np

from fastconv.data.dataset import Dataset
from fastconv.data.mnist import DIGITS


def digits() -> tuple[Dataset, Dataset]:
    """The embedded handwritten digits as (train, test): 6,000 and 1,000 images (N, 1, 28, 28) uint8.

    600 and 100 of each digit, shuffled, drawn from MNIST's own training and test images by
    scripts/make_digits.py. Both sets have the training set's mean and std.
    Their authors and licence are named in NOTICE beside this file.
    """
    with (
        resources.files("fastconv.data").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        train = Dataset(arrays["train_images"], arrays["train_labels"], DIGITS)
        return train, Dataset(
            arrays["test_images"], arrays["test_labels"], DIGITS, mean=train.mean, std=train.std
        )
