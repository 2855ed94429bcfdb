"""The cache of compiled kernels: where it is, what it holds, and how to fill it before it is needed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastconv import functional, optim
from fastconv.errors import ShapeError
from fastconv.kernels import cache as files
from fastconv.nn.layer import Layer, final_shape
from fastconv.nn.loss import CrossEntropyLoss, MSELoss
from fastconv.trainer import Trainer

#: Fewer images than a group, a group, and more than one.
BATCH_SIZES = 1, 16, 128


@dataclass(frozen=True)
class Kernels:
    """The kernels of one processor in a folder; `usable` by this process, if its sources are the same."""

    cpu: str
    count: int
    bytes: int
    usable: bool


@dataclass(frozen=True)
class Folder:
    """A folder that is searched for kernels. The first one that is writable gets new ones."""

    path: Path
    writable: bool
    kernels: tuple[Kernels, ...]


def info() -> list[Folder]:
    """The folders that are searched for kernels, in order, and what they hold."""
    return [Folder(path, files.is_writable(path), _by_cpu(path)) for path in files.folders()]


def warm(model: Layer, input_shape: tuple[int, ...] | None = None, batch_sizes: Iterable[int] = BATCH_SIZES,
         train: bool = False) -> None:
    """Compiles all that a model's inference needs, and keeps it for other processes.

    input_shape: of an image (C, H, W); where not given the model's own.
    train: also what training it with AdamW needs. The model keeps its weights.
    Raises ShapeError where no shape is known, or it does not fit.
    """
    shape = input_shape or model.input_shape
    if shape is None:
        raise ShapeError("the model does not say the shape of its images: give input_shape (C, H, W)")
    outputs = final_shape(model, (1, *shape))
    dtypes = (np.uint8, np.float32) if len(shape) == 3 else (np.float32,)
    for dtype in dtypes:
        model.freeze(shape, dtype)
    for size in batch_sizes:
        for dtype in dtypes:
            results = model(np.zeros((size, *shape), dtype))
            if len(outputs) == 2:
                functional.softmax(results)
            if train:
                _train(model, np.zeros((size, *shape), dtype), outputs[1:])


def clear() -> int:
    """Deletes all kernels that are kept, of any processor; returns how many.

    Raises OSError, naming the file, for one that cannot be deleted.
    """
    kept = [path for folder in files.folders() if folder.is_dir() for path in folder.iterdir()
            if path.suffix in (files.SUFFIX, ".nbi")]
    for path in kept:
        path.unlink(missing_ok=True)
    return len(kept)


def _by_cpu(folder: Path) -> tuple[Kernels, ...]:
    found: dict[tuple[str, bool], list[int]] = {}
    here = files.target()
    for entry, size in files.entries(folder):
        found.setdefault((entry.cpu, (entry.cpu, entry.target) == here), []).append(size)
    return tuple(Kernels(cpu, len(sizes), sum(sizes), usable) for (cpu, usable), sizes in sorted(found.items()))


def _train(model: Layer, images: np.ndarray, outputs: tuple[int, ...]) -> None:
    """One step that changes nothing which is kept."""
    before = model.state_dict()
    scores = len(outputs) == 1
    loss = CrossEntropyLoss() if scores else MSELoss()
    targets = np.zeros(len(images), np.int64) if scores else np.zeros((len(images), *outputs), np.float32)
    trainer = Trainer(model, optim.AdamW(lr=1e-3), loss=loss)
    try:
        trainer.step(images, targets)
        if scores:
            trainer.evaluate((images, targets))
    finally:
        model.load_state_dict(before)
