"""Data sets: labelled images, the readers that load them, and the embedded digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastconv.data.arrays import npy, npz
from fastconv.data.augmentations import AUGMENTATIONS, parse_augmentation
from fastconv.data.cifar import cifar10, cifar100
from fastconv.data.dataset import Dataset, as_dataset
from fastconv.data.digits import digits
from fastconv.data.emnist import emnist
from fastconv.data.idx import read_idx
from fastconv.data.mnist import mnist
from fastconv.data.pictures import image_folder
from fastconv.data.recognise import load
from fastconv.data.split import stratified_split
from fastconv.engine.augmentation import Augmentation

if TYPE_CHECKING:
    from fastconv.data.download import fetch

__all__ = [
    "AUGMENTATIONS", "Augmentation", "Dataset", "as_dataset", "cifar10", "cifar100", "digits", "emnist", "fetch",
    "image_folder", "load", "mnist", "npy", "npz", "parse_augmentation", "read_idx", "stratified_split",
]


def __getattr__(name: str) -> Any:
    if name == "fetch":  # the only one that needs the network's modules
        from fastconv.data.download import fetch

        return fetch
    raise AttributeError(f"module 'fastconv.data' has no attribute {name!r}")
