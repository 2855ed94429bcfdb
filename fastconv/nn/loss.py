"""Losses. Each takes a network's outputs and targets, and is a mean over the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import DataError, DtypeError, ShapeError
from fastconv.nn.layer import Layer, Shape, final_shape


class CrossEntropyLoss:
    """-Σ_k q_k log softmax(x)_k, computed by log-sum-exp, for logits x (N, K) and integer labels (N,).

    label_smoothing ε: q = (1 - ε) onehot(label) + ε / K (Szegedy et al. 2016, section 7).
    """

    name = "cross_entropy"

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"CrossEntropyLoss: label_smoothing must be from 0 to 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def __repr__(self) -> str:
        return f"CrossEntropyLoss(label_smoothing={self.label_smoothing})"

    def check_outputs(self, shape: Shape) -> None:
        """Raises ShapeError unless the model makes K logits of an image."""
        if len(shape) != 1:
            raise ShapeError(f"CrossEntropyLoss: expected logits (N, K), one image makes {shape}; add a Flatten")

    def targets(self, labels: Any, outputs: Shape) -> NDArray[np.int64]:
        """The labels as int64, checked against outputs of shape `outputs`, with N."""
        return check_labels(labels, outputs[0], outputs[1])


class MSELoss:
    """Mean of (x - target)² over features and batch.

    Targets are floating-point arrays of the outputs' shape, or integer labels (N,), which stand for one-hot vectors.
    """

    name = "mse"
    label_smoothing = 0.0

    def __repr__(self) -> str:
        return "MSELoss()"

    def check_outputs(self, shape: Shape) -> None:
        """Any outputs will do."""

    def targets(self, targets: Any, outputs: Shape) -> NDArray[np.float32]:
        """The targets as float32, checked against outputs of shape `outputs`, with N."""
        array = np.asarray(targets)
        if array.ndim == 1 and np.issubdtype(array.dtype, np.integer) and len(outputs) == 2:
            return np.eye(outputs[1], dtype=np.float32)[check_labels(array, outputs[0], outputs[1])]
        if not np.issubdtype(array.dtype, np.floating):
            raise DtypeError(f"MSELoss: expected floating-point targets, got {array.dtype}")
        if array.shape != outputs:
            raise ShapeError(f"MSELoss: expected targets {outputs}, got {array.shape}")
        return np.ascontiguousarray(array, np.float32)


Loss = CrossEntropyLoss | MSELoss


def check_targets(model: Layer, loss: Loss, images: NDArray[Any], targets: Any) -> NDArray[Any]:
    """The targets as the loss's kernel takes them, checked against what the model makes of the images."""
    outputs = final_shape(model, images.shape)
    loss.check_outputs(outputs[1:])
    return loss.targets(targets, outputs)


def check_labels(labels: Any, count: int, classes: int) -> NDArray[np.int64]:
    """Labels (count,) as int64. Raises where they are not integers from 0 to classes - 1."""
    array = np.asarray(labels)
    if not np.issubdtype(array.dtype, np.integer):
        raise DtypeError(f"expected integer labels, got {array.dtype}")
    if array.shape != (count,):
        raise ShapeError(f"expected labels ({count},), one per image, got {array.shape}")
    if array.min() < 0 or array.max() >= classes:
        wrong = int(np.argmax((array < 0) | (array >= classes)))
        raise DataError(f"expected labels from 0 to {classes - 1}, the model has {classes} outputs; "
                        f"got {array[wrong]} at index {wrong}")
    return np.ascontiguousarray(array, np.int64)
