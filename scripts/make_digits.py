"""Draws the embedded digits (fastconv/data/digits.npz) from MNIST's four IDX files.

    python scripts/make_digits.py FOLDER

Run it with fastconv installed. The same files always give the same images and labels,
and the same bytes where zlib is the same.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastconv.data import Dataset, mnist
from fastconv.errors import DataError

SEED = 0
TRAIN_PER_CLASS = 600
TEST_PER_CLASS = 100
EMBEDDED = Path(__file__).resolve().parent.parent / "fastconv" / "data" / "digits.npz"


def draw(dataset: Dataset, per_class: int) -> NDArray[np.intp]:
    """The indices of `per_class` images of each class, in a random order that SEED alone decides."""
    bits = np.random.PCG64(SEED)
    order = _shuffled(np.arange(len(dataset)), bits)
    chosen = []
    for label, name in enumerate(dataset.classes):
        candidates = order[dataset.labels[order] == label]
        if len(candidates) < per_class:
            raise DataError(f'class "{name}": expected at least {per_class} images, got {len(candidates)}')
        chosen.append(candidates[:per_class])
    return _shuffled(np.concatenate(chosen), bits)


def _shuffled(indices: NDArray[np.intp], bits: np.random.PCG64) -> NDArray[np.intp]:
    """`indices` in random order."""
    # Sorting by raw bits, not Generator.permutation: NumPy promises only the bits to stay the same for ever.
    return indices[np.argsort(bits.random_raw(len(indices)), kind="stable")]


def make_digits(folder: Path, target: Path) -> None:
    """Writes to `target` the balanced part of the MNIST in `folder`."""
    train, test = mnist(folder)
    kept_train, kept_test = draw(train, TRAIN_PER_CLASS), draw(test, TEST_PER_CLASS)
    np.savez_compressed(
        target,
        train_images=train.images[kept_train],
        train_labels=train.labels[kept_train].astype(np.uint8),
        test_images=test.images[kept_test],
        test_labels=test.labels[kept_test].astype(np.uint8),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=f"Draw {EMBEDDED.name} from MNIST's IDX files.")
    parser.add_argument("folder", type=Path, help="the folder with MNIST's four IDX files")
    make_digits(parser.parse_args().folder, EMBEDDED)
    print(f"{EMBEDDED}: {EMBEDDED.stat().st_size:,} bytes")
