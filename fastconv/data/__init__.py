"""Data sets: labelled images, the readers that load them, and the embedded digits."""

from fastconv.data.dataset import Dataset, as_dataset
from fastconv.data.digits import digits
from fastconv.data.idx import read_idx
from fastconv.data.mnist import mnist
from fastconv.data.split import stratified_split

__all__ = ["Dataset", "as_dataset", "digits", "mnist", "read_idx", "stratified_split"]
