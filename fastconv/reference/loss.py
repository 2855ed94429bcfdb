"""Losses: one for each image, and the gradient of their mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.reference.window import Array


def cross_entropy(logits: Array, labels: NDArray[np.integer[Any]],
                  label_smoothing: float = 0.0) -> tuple[Array, Array]:
    """-Σ_k q_k log softmax(logits)_k: (N,), and its mean's gradient by the logits: (N, K).

    q = (1 - ε) onehot(label) + ε / K with ε = label_smoothing (Szegedy et al. 2016, section 7).
    """
    images, classes = logits.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    q = np.full_like(logits, label_smoothing / classes)
    q[np.arange(images), labels] += 1 - label_smoothing
    return -(q * log_p).sum(axis=1), (np.exp(log_p) - q) / images


def mse(y: Array, targets: Array) -> tuple[Array, Array]:
    """The mean of (y - targets)² over all but the first axis: (N,), and its mean's gradient by y, like y."""
    difference = y - targets
    return (difference**2).mean(axis=tuple(range(1, y.ndim))), 2 * difference / y.size
