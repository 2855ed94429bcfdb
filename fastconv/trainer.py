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

from fastconv.data import Augmentation, Dataset, as_dataset
from fastconv.engine.augmentation import epoch_key
from fastconv.engine.pool import Pool
from fastconv.engine.threads import get_num_threads
from fastconv.errors import DataError, DivergenceError
from fastconv.layout import whole_lanes
from fastconv.nn.images import check_images
from fastconv.nn.inference import infer
from fastconv.nn.layer import Layer
from fastconv.nn.loss import CrossEntropyLoss, Loss, check_targets
from fastconv.nn.sessions import LossSession
from fastconv.optim import Average, Constant, Optimizer, Schedule
from fastconv.optim.run import OptimizerRun
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


@dataclass(frozen=True)
class Plan:
    """What decides the batches and the learning rates of a `Trainer.fit`; images: how many the training set has."""

    epochs: int
    batch_size: int
    images: int
    seed: int

    @property
    def batches(self) -> int:
        """In an epoch."""
        return -(-self.images // self.batch_size)


@dataclass(frozen=True)
class Progress:
    """How far a `Trainer.fit` has come: the epochs that are done, and so many batches of the next one.

    loss: the sum of the losses of these batches' images.  seconds: what they took.
    """

    results: tuple[EpochResult, ...] = ()
    batches: int = 0
    loss: float = 0.0
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """The epoch that goes on, from 1."""
        return len(self.results) + 1


class Callback:
    """Override what you want to follow of `Trainer.fit`. A method that returns True ends it, after all are told."""

    def on_fit_start(self, plan: Plan, progress: Progress) -> bool | None:
        """Before the first step; `progress` is what was done by another fit that this one continues."""

    def on_batch_end(self, epoch: int, images: int, loss: float) -> bool | None:
        """After each step: `images` of this epoch are done, the last batch had this mean loss."""

    def on_epoch_end(self, result: EpochResult) -> bool | None:
        """After each epoch, its validation and its checkpoint."""


class Trainer:
    """Trains a model. It keeps the optimizer's state, so a second `fit` goes on where the first ended.

    loss: CrossEntropyLoss() by default.
    parameter_groups: hyper-parameters of the optimizer that differ for the parameters whose state-dict names match a
    pattern, {"*.bias": {"weight_decay": 0.0}}; of several that match the last one counts. Schedules scale a group's lr
    as they scale the optimizer's.
    clip_grad_norm, clip_grad_value: what gradients are clipped to, all together or one by one, as in torch.nn.utils.
    average: keeps an average of the parameters over the steps.
    seed: with the number of steps, what dropout drops follows from it.
    progress: how far the last `fit` has come.
    """

    def __init__(self, model: Layer, optimizer: Optimizer, loss: Loss | None = None, *,
                 parameter_groups: Mapping[str, Mapping[str, Any]] | None = None, clip_grad_norm: float | None = None,
                 clip_grad_value: float | None = None, average: Average | None = None, seed: int = 0) -> None:
        self.model = model
        self.loss = CrossEntropyLoss() if loss is None else loss
        self._leaves = [leaf for _, leaf in model.leaves()]
        self._run = OptimizerRun(optimizer, model.parameters(), parameter_groups, clip_grad_norm, clip_grad_value,
                                 average, seed)
        self.progress = Progress()
        self._sessions = Pool()
        self._lock = threading.Lock()  # steps follow each other, whichever threads make them

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer as it is by now: SWATS changes in training."""
        return self._run.optimizer

    @property
    def steps(self) -> int:
        """How many have been made."""
        return self._run.steps

    def step(self, x: NDArray[Any], labels: Any) -> float:
        """One optimization step on a batch; returns its mean loss before the update.

        x: (N, C, H, W) uint8 or float32.  labels: what the loss takes.
        Raises DivergenceError, and changes nothing, where the loss, or a norm to be clipped, is NaN or infinite.
        """
        images = check_images(x)
        if len(images) == 0:
            raise DataError(f"expected at least one image, got {images.shape}")
        with self._session(images, len(images)) as session:
            targets = self.loss.targets(labels, (len(images), *session.output_shape))
            return self._step(session, images, None, targets, self.optimizer.lr)

    def fit(self, train: Data, epochs: int, batch_size: int = 128, validation: Data | None = None,
            schedule: Schedule | None = None, seed: int = 0, checkpoint: str | os.PathLike[str] | None = None,
            callbacks: Iterable[Callback] = (), augment: Augmentation | None = None,
            start: Progress | None = None) -> list[EpochResult]:
        """Trains for a number of epochs, each over all images in an order drawn from the seed; returns their results.

        The model takes mean, std, classes and input shape from the training set.
        augment: what happens at random to each image, drawn anew in each epoch.
        checkpoint: a file that the model is saved to after every epoch.
        start: the progress of another fit with the same arguments. Where the model and the trainer have the state they
        had there, this one ends with the same bits as if nothing had come between.
        Raises DivergenceError as soon as a batch's loss is NaN or infinite; the checkpoint is then the last epoch's.
        """
        if epochs < 1 or batch_size < 1:
            raise ValueError(f"epochs and batch_size must be at least 1, got {epochs} and {batch_size}")
        if not isinstance(augment, Augmentation | None):
            named = f"; a text becomes one by data.parse_augmentation({augment!r})" if isinstance(augment, str) else ""
            raise TypeError(f"expected augment to be an Augmentation or None, got {augment!r}{named}")
        data, held_out = as_dataset(train), None if validation is None else as_dataset(validation)
        targets = check_targets(self.model, self.loss, data.images, data.labels)
        if held_out is not None:
            check_targets(self.model, self.loss, held_out.images, held_out.labels)
        self.model.set_images(data.mean, data.std, data.classes, data.images.shape[1:])
        self._sessions.clear()
        schedule = Constant() if schedule is None else schedule
        plan, followers = Plan(epochs, batch_size, len(data), seed), tuple(callbacks)
        batches, progress = plan.batches, start or Progress()
        self.progress = progress
        ended = True in [follower.on_fit_start(plan, progress) for follower in followers]
        with self._session(data.images, min(batch_size, len(data)), augment) as session:
            while not ended and progress.epoch <= epochs:
                epoch = progress.epoch
                order = np.random.default_rng([seed, epoch]).permutation(len(data))
                key = epoch_key(seed, epoch)
                begun, total = time.perf_counter() - progress.seconds, progress.loss
                for batch in range(progress.batches, batches):
                    indices = order[batch * batch_size:(batch + 1) * batch_size]
                    lr = schedule.lr((epoch - 1) * batches + batch, epochs * batches, self.optimizer.lr)
                    try:
                        loss = self._step(session, data.images, indices, targets, lr, key)
                    except DivergenceError as error:
                        kept = f"; {checkpoint} holds the model after epoch {epoch - 1}"
                        raise DivergenceError(f"epoch {epoch}, batch {batch + 1} of {batches}: {error}"
                                              f"{kept if checkpoint and epoch > 1 else ''}") from None
                    total += loss * len(indices)
                    self.progress = Progress(progress.results, batch + 1, total, time.perf_counter() - begun)
                    images = batch * batch_size + len(indices)
                    if True in [follower.on_batch_end(epoch, images, loss) for follower in followers]:
                        return list(progress.results)
                seconds = time.perf_counter() - begun
                metrics = None if held_out is None else self.evaluate(held_out)
                lr = schedule.lr(epoch * batches - 1, epochs * batches, self.optimizer.lr)
                result = EpochResult(epoch, total / len(data), lr, seconds, len(data) / seconds, metrics)
                if checkpoint is not None:
                    save(self.model, checkpoint)
                self.progress = progress = Progress((*progress.results, result))
                ended = True in [follower.on_epoch_end(result) for follower in followers]
        return list(progress.results)

    def averaged(self) -> dict[str, NDArray[np.float32]]:
        """The averages of the parameters as a state dict; ValueError where none are kept, or no step has been made.

        Statistics of batch normalisation are as they are by now.
        """
        with self._lock:
            return self.model.state_dict() | self._run.averaged()

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """What the steps so far have left beside the model: the optimizer's buffers, how many steps, the seed,
        the averages.

        A trainer of the same kind that loads it, on a model with the same weights, goes on with the same bits.
        """
        with self._lock:
            return self._run.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from the state of another trainer; ShapeError, and nothing is changed, where it does not fit."""
        with self._lock:
            self._run.load_state_dict(state)

    def evaluate(self, dataset: Data, averaged: bool = False) -> dict[str, float]:
        """The mean loss over a data set, and the share of images whose largest output is the right one.

        averaged: with the averages of the parameters, which the model holds until the evaluation is done.
        """
        if averaged:
            with self._lock:
                held = self.model.state_dict()
                self.model.load_state_dict(held | self._run.averaged())
                try:
                    return self.evaluate(dataset)
                finally:
                    self.model.load_state_dict(held)
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

    def _session(self, images: NDArray[Any], capacity: int,
                 augment: Augmentation | None = None) -> AbstractContextManager[LossSession]:
        trainable = tuple([leaf.trainable for leaf in self._leaves])
        key = images.shape[1:], images.dtype, whole_lanes(capacity), get_num_threads(), trainable, augment

        def make() -> LossSession:
            return LossSession(self.model, self.loss, images.shape, images.dtype, capacity, training=True,
                               update=self._run.update, augment=augment)

        return self._sessions.session(key, make)

    def _step(self, session: LossSession, images: NDArray[Any], indices: NDArray[np.int64] | None,
              targets: NDArray[Any], lr: float, key: int = 0) -> float:
        with self._lock:
            self._run.begin(lr)
            session.run(len(images if indices is None else indices), images, indices, targets, key=key,
                        seed=self._run.seed, step=self.steps)
            loss = session.mean_loss
            if session.stopped:
                lost = "the gradient's norm became infinite" if math.isfinite(loss) else f"the loss became {loss}"
                raise DivergenceError(f"{lost}; try a smaller learning rate, or look for NaN in the images")
            self._run.end(lr)
            return loss
