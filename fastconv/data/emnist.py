"""EMNIST (Cohen et al. 2017): letters and digits in MNIST's format, with images that lie on their side."""

import os
import string
from pathlib import Path

from fastconv.data.dataset import Dataset, train_and_test
from fastconv.data.mnist import DIGITS, find_idx, read_pair

CAPITALS, SMALL = tuple(string.ascii_uppercase), tuple(string.ascii_lowercase)

#: The small letters that "bymerge" and "balanced" tell from their capitals.
DISTINCT = tuple("abdefghnqrt")

#: The classes of each split, in the order of their labels.
SPLITS = {
    "balanced": DIGITS + CAPITALS + DISTINCT,
    "byclass": DIGITS + CAPITALS + SMALL,
    "bymerge": DIGITS + CAPITALS + DISTINCT,
    "digits": DIGITS,
    "letters": SMALL,
    "mnist": DIGITS,
}

#: What a split's files call the first class, where it is not 0.
FIRST_LABELS = {"letters": 1}


def emnist(folder: str | os.PathLike[str], split: str | None = None) -> tuple[Dataset, Dataset]:
    """One split of EMNIST as (train, test), upright: (N, 1, 28, 28) uint8, labels from 0 on.

    split: "balanced", "byclass", "bymerge", "digits", "letters" or "mnist"; where not given, the only one that is in
        the folder, or "balanced" where there are several.

    The files are emnist-SPLIT-train-images-idx3-ubyte and so on, gzipped or not.
    Raises DataError, naming the file, for one that is missing, damaged, or not what its name says.
    """
    folder = Path(folder)
    found = [name for name in SPLITS if any(folder.glob(f"emnist-{name}-*"))]
    if split is None:
        split = found[0] if found else "balanced"  # "balanced" is the first of those known
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r} of EMNIST: expected one of {', '.join(SPLITS)}")
    pairs = []
    for part in ("train", "test"):
        stem = f"emnist-{split}-{part}"
        images, labels = read_pair(find_idx(folder, f"{stem}-images", "idx3-ubyte"),
                                   find_idx(folder, f"{stem}-labels", "idx1-ubyte"), len(SPLITS[split]),
                                   f"this is not the split {split!r}", FIRST_LABELS.get(split, 0))
        pairs.append((images.transpose(0, 1, 3, 2), labels))
    return train_and_test(folder, pairs[0], pairs[1], SPLITS[split])


def has_emnist(folder: Path) -> bool:
    """Whether a split of EMNIST seems to be in the folder."""
    return any(folder.glob("emnist-*-ubyte*"))
