"""Comparisons that nobody had to train."""

from __future__ import annotations

from collections.abc import Iterable

from fastconv.experiments.compare import Comparison, Run
from fastconv.experiments.setting import Setting
from fastconv.trainer import EpochResult


def run(name: str, seed: int, accuracies: Iterable[float], *, diverged: str | None = None) -> Run:
    """A run with these test accuracies after its epochs; the losses are 1 - accuracy."""
    epochs = tuple(
        EpochResult(epoch, 1.25 - accuracy, 0.1, 0.5, 400.0, {"loss": 1 - accuracy, "accuracy": accuracy})
        for epoch, accuracy in enumerate(accuracies, 1))
    return Run(name, seed, 0.1, epochs, diverged)


def comparison(*runs: Run) -> Comparison:
    return Comparison("optimizer", Setting(epochs=2), 200, 100, runs)
