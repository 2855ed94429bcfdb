"""What a network says of a labelled set, and where it is wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastconv.data.dataset import Dataset
from fastconv.errors import ShapeError
from fastconv.nn.layer import Layer
from fastconv.probabilities import probabilities_of


@dataclass(frozen=True)
class Predictions:
    """probabilities: (N, classes) float32.  labels: (N,), the right ones.  classes: their names."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: Sequence[str]

    @property
    def predicted(self) -> NDArray[np.intp]:
        """(N,): the most probable class of each image."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def accuracy(self) -> float:
        return float(np.mean(self.predicted == self.labels))

    @property
    def loss(self) -> float:
        """The mean cross-entropy."""
        right = self.probabilities[np.arange(len(self.labels)), self.labels].astype(np.float64)
        return float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Between which accuracies the true one lies, in 95 % of all test sets (Wilson 1927)."""
        n, share = len(self.labels), self.accuracy
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)

    def confusion(self) -> NDArray[np.int64]:
        """(classes, classes): how many images of the class of each row were taken for that of each column."""
        counts = np.zeros((len(self.classes),) * 2, np.int64)
        np.add.at(counts, (self.labels, self.predicted), 1)
        return counts

    def worst(self, count: int | None = None) -> NDArray[np.intp]:
        """The images that are wrong, first those whose right class was held for least probable."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(self.probabilities[wrong, self.labels[wrong]], kind="stable")][:count]


def predictions(model: Layer, data: Dataset) -> Predictions:
    """What a model says of each image. Raises ShapeError where it has other classes than the set."""
    shares = probabilities_of(model)(model(data.images))
    if shares.shape[1] != len(data.classes):
        raise ShapeError(f"the model tells {shares.shape[1]} classes apart, the set has {len(data.classes)}")
    return Predictions(shares.astype(np.float32), data.labels, data.classes)
