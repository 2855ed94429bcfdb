"""Training: steps, epochs, evaluation."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.data import Dataset, as_dataset
from fastconv.engine.memory import aligned_floats
from fastconv.engine.pool import Pool
from fastconv.engine.threads import get_num_threads
from fastconv.engine.weights import Update
from fastconv.errors import DataError, DivergenceError
from fastconv.kernels import optimizer as kernels
from fastconv.layout import whole_lanes
from fastconv.nn.inference import check_images, infer
from fastconv.nn.layer import Layer
from fastconv.nn.loss import CrossEntropyLoss, Loss, check_targets
from fastconv.nn.sessions import LossSession
from fastconv.optim import Constant, Optimizer, Schedule
from fastconv.serialization import save

#: Images evaluated between two chances to be interrupted.
EVALUATION_BATCH = 4096

Data = Dataset | tuple[Any, Any]


@dataclass(frozen=True)
class EpochResult:
    """One pass over the training set: its mean loss, the last learning rate, the time without validation in seconds."""

    epoch: int
    loss: float
    lr: float
    seconds: float
    images_per_second: float
    validation: Mapping[str, float] | None = None


class Callback:
    """Override what you want to follow of `Trainer.fit`."""

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        """After each step: `images` of this epoch are done, the last batch had this mean loss."""

    def on_epoch_end(self, result: EpochResult) -> None:
        """After each epoch, its validation and its checkpoint."""


class Trainer:
    """Trains a model. It keeps the optimizer's state, so a second `fit` goes on where the first ended.

    loss: CrossEntropyLoss() by default.
    """

    def __init__(self, model: Layer, optimizer: Optimizer, loss: Loss | None = None) -> None:
        self.model, self.optimizer = model, optimizer
        self.loss = CrossEntropyLoss() if loss is None else loss
        self.steps = 0
        self._leaves = [leaf for _, leaf in model.leaves()]
        states = {parameter: [aligned_floats(parameter.array.size) for _ in optimizer.state]
                  for parameter in model.parameters().values()}
        self._update = Update(getattr(kernels, optimizer.kernel), aligned_floats(16), states)
        self._sessions = Pool()
        self._lock = threading.Lock()  # steps follow each other, whichever threads make them

    def step(self, x: NDArray[Any], labels: Any) -> float:
        """One optimization step on a batch; returns its mean loss before the update.

        x: (N, C, H, W) uint8 or float32.  labels: what the loss takes.
        Raises DivergenceError, and changes nothing, where the loss is NaN or infinite.
        """
        images = check_images(x)
        if len(images) == 0:
            raise DataError(f"expected at least one image, got {images.shape}")
        with self._session(images, len(images)) as session:
            targets = self.loss.targets(labels, (len(images), *session.output_shape))
            return self._step(session, images, np.arange(len(images)), targets, self.optimizer.lr)

    def fit(self, train: Data, epochs: int, batch_size: int = 128, validation: Data | None = None,
            schedule: Schedule | None = None, seed: int = 0, checkpoint: str | os.PathLike[str] | None = None,
            callbacks: Iterable[Callback] = ()) -> list[EpochResult]:
        """Trains for a number of epochs, each over all images in an order drawn from the seed; returns their results.

        The model takes mean, std, classes and input shape from the training set.
        checkpoint: a file that the model is saved to after every epoch.
        Raises DivergenceError as soon as a batch's loss is NaN or infinite; the checkpoint is then the last epoch's.
        """
        if epochs < 1 or batch_size < 1:
            raise ValueError(f"epochs and batch_size must be at least 1, got {epochs} and {batch_size}")
        data, held_out = as_dataset(train), None if validation is None else as_dataset(validation)
        targets = check_targets(self.model, self.loss, data.images, data.labels)
        if held_out is not None:
            check_targets(self.model, self.loss, held_out.images, held_out.labels)
        self.model.set_images(data.mean, data.std, data.classes, data.images.shape[1:])
        self._sessions.clear()
        schedule = Constant() if schedule is None else schedule
        batches = -(-len(data) // batch_size)
        results, followers = [], tuple(callbacks)
        with self._session(data.images, min(batch_size, len(data))) as session:
            for epoch in range(1, epochs + 1):
                order = np.random.default_rng([seed, epoch]).permutation(len(data))
                start, total, lr = time.perf_counter(), 0.0, 0.0
                for batch in range(batches):
                    indices = order[batch * batch_size:(batch + 1) * batch_size]
                    lr = schedule.lr((epoch - 1) * batches + batch, epochs * batches, self.optimizer.lr)
                    try:
                        loss = self._step(session, data.images, indices, targets, lr)
                    except DivergenceError as error:
                        kept = f"; {checkpoint} holds the model after epoch {epoch - 1}"
                        raise DivergenceError(f"epoch {epoch}, batch {batch + 1} of {batches}: {error}"
                                              f"{kept if checkpoint and epoch > 1 else ''}") from None
                    total += loss * len(indices)
                    for follower in followers:
                        follower.on_batch_end(epoch, batch * batch_size + len(indices), loss)
                seconds = time.perf_counter() - start
                metrics = None if held_out is None else self.evaluate(held_out)
                results.append(EpochResult(epoch, total / len(data), lr, seconds, len(data) / seconds, metrics))
                if checkpoint is not None:
                    save(self.model, checkpoint)
                for follower in followers:
                    follower.on_epoch_end(results[-1])
        return results

    def evaluate(self, dataset: Data) -> dict[str, float]:
        """The mean loss over a data set, and the share of images whose largest output is the right one."""
        data = as_dataset(dataset)
        targets = check_targets(self.model, self.loss, data.images, data.labels)
        total, correct = 0.0, 0
        capacity = min(EVALUATION_BATCH, whole_lanes(len(data)))
        key = data.images.shape[1:], data.images.dtype, capacity, get_num_threads(), "evaluate"

        def make() -> LossSession:
            return LossSession(self.model, self.loss, data.images.shape, data.images.dtype, capacity)

        with self._sessions.session(key, make) as session:
            order = np.arange(len(data))
            for start in range(0, len(data), EVALUATION_BATCH):
                indices = order[start:start + EVALUATION_BATCH]
                session.run(len(indices), data.images, indices, targets)
                total += float(np.sum(session.losses(len(indices)), dtype=np.float64))
                correct += session.correct(len(indices))
        return {"loss": total / len(data), "accuracy": correct / len(data)}

    def predict(self, x: NDArray[Any]) -> NDArray[np.int64]:
        """The class of each image: (N,), the place of its largest output."""
        outputs = infer(self.model, x)
        classes: NDArray[np.int64] = outputs.reshape(len(outputs), math.prod(outputs.shape[1:])).argmax(axis=1)
        return classes

    def _session(self, images: NDArray[Any], capacity: int) -> AbstractContextManager[LossSession]:
        trainable = tuple(leaf.trainable for leaf in self._leaves)
        key = images.shape[1:], images.dtype, whole_lanes(capacity), get_num_threads(), trainable

        def make() -> LossSession:
            return LossSession(self.model, self.loss, images.shape, images.dtype, capacity, training=True,
                               update=self._update)

        return self._sessions.session(key, make)

    def _step(self, session: LossSession, images: NDArray[Any], indices: NDArray[np.int64], targets: NDArray[Any],
              lr: float) -> float:
        with self._lock:
            constants = self.optimizer.constants(self.steps + 1, lr)
            self._update.constants[:len(constants)] = constants
            session.run(len(indices), images, indices, targets)
            loss = session.mean_loss
            if not math.isfinite(loss):
                raise DivergenceError(f"the loss became {loss}; "
                                      "try a smaller learning rate, or look for NaN in the images")
            self.steps += 1
            return loss
