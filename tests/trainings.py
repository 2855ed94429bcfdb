"""A small training for the tests of runs, with everything that a checkpoint must carry."""

from __future__ import annotations

import numpy as np

import fastconv as fc
from fastconv import data, nn, optim
from fastconv.data import Dataset
from tests.networks import pixels

EPOCHS, BATCH_SIZE, SEED = 3, 16, 5

AUGMENT = data.Augmentation(shift=1.0, mixup=0.2)
DATA = Dataset(pixels(0, 70, 1, 6, 6), np.arange(70) % 3, ("a", "b", "c"))


def network() -> nn.Sequential:
    """With statistics of its own, and something drawn at random in every step."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.3),
                          nn.Flatten(), nn.Linear(16, 3))
    model.init(SEED)
    return model


def trainer(optimizer: optim.Optimizer | None = None) -> fc.Trainer:
    return fc.Trainer(network(), optimizer or optim.AdamW(lr=0.01), clip_grad_norm=1.0,
                      average=optim.ExponentialAverage(0.9), seed=SEED)


def fit(training: fc.Trainer, *callbacks: fc.Callback, start: fc.Progress | None = None,
        epochs: int = EPOCHS, seed: int = SEED) -> list[fc.EpochResult]:
    return training.fit(DATA, epochs, BATCH_SIZE, validation=DATA, schedule=optim.OneCycle(max_lr=0.02), seed=seed,
                        callbacks=callbacks, augment=AUGMENT, start=start)


def everything(training: fc.Trainer) -> dict[str, bytes]:
    """Every bit that a training leaves."""
    state = {**training.model.state_dict(), **training.state_dict(), **training.averaged()}
    return {name: array.tobytes() for name, array in state.items()}


class StopAfter(fc.Callback):
    """Ends a training after so many steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def on_batch_end(self, epoch: int, images: int, loss: float) -> bool:
        self.left -= 1
        return self.left == 0
