"""One way to train a model, described by names and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import signature

from fastconv.data import Augmentation, Dataset, parse_augmentation
from fastconv.errors import DivergenceError
from fastconv.models import MODELS
from fastconv.nn import ACTIVATIONS, Layer
from fastconv.optim import OPTIMIZERS, SCHEDULES, Optimizer, Schedule
from fastconv.trainer import Callback, EpochResult, Trainer

#: What the names of a setting may be, by field.
REGISTRIES: Mapping[str, Mapping[str, Callable[..., object]]] = {
    "model": MODELS, "activation": ACTIVATIONS, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}


@dataclass(frozen=True)
class Setting:
    """How a model is trained. Its names are those of the command line.

    activation: None for the model's own.  lr: None for the optimizer's own default.
    options: other arguments of the optimizer, such as weight_decay, by name.
    augment: random changes of the training images, as `data.parse_augmentation` reads them.
    Raises ValueError for a name that is not registered, and what the optimizer raises for its arguments.
    """

    model: str = "lenet5"
    activation: str | None = None
    optimizer: str = "adamw"
    schedule: str = "constant"
    lr: float | None = None
    epochs: int = 8
    batch_size: int = 128
    options: Mapping[str, float] = field(default_factory=dict)
    augment: str | None = None

    def __post_init__(self) -> None:
        for kind, registry in REGISTRIES.items():
            name = getattr(self, kind)
            if name is not None and name not in registry:
                raise ValueError(f"{kind}: expected one of {', '.join(registry)}, got {name!r}")
        if self.activation is not None and "activation" not in signature(MODELS[self.model]).parameters:
            raise ValueError(f"{self.model} has an activation of its own, which cannot be changed to {self.activation}")
        self.make_optimizer()
        self.make_augmentation()

    def make_model(self, classes: int, seed: int) -> Layer:
        """The model for that many classes, its parameters drawn from the seed."""
        activation = {} if self.activation is None else {"activation": ACTIVATIONS[self.activation]}
        model = MODELS[self.model](num_classes=classes, **activation)
        model.init(seed)
        return model

    def make_optimizer(self) -> Optimizer:
        make, lr = OPTIMIZERS[self.optimizer], {} if self.lr is None else {"lr": self.lr}
        unknown = self.options.keys() - signature(make).parameters.keys()
        if unknown:
            takes = ", ".join(name for name in signature(make).parameters)
            raise ValueError(f"{self.optimizer} takes {takes}, not {', '.join(sorted(unknown))}")
        return make(**lr, **self.options)

    def make_schedule(self) -> Schedule:
        return SCHEDULES[self.schedule](self.make_optimizer().lr)

    def make_augmentation(self) -> Augmentation | None:
        return None if self.augment is None else parse_augmentation(self.augment)

    def train(self, train: Dataset, held_out: Dataset, seed: int, callbacks: Iterable[Callback] = ()
              ) -> list[EpochResult]:
        """Trains a new model and measures it on `held_out` after every epoch; returns the epochs' results.

        Raises DivergenceError where the loss becomes NaN or infinite, in a step or on `held_out`.
        """
        trainer = Trainer(self.make_model(len(train.classes), seed), self.make_optimizer())
        return trainer.fit(train, self.epochs, self.batch_size, held_out, self.make_schedule(), seed,
                           callbacks=(_Finite(), *callbacks), augment=self.make_augmentation())


class _Finite(Callback):
    """Ends a training whose held-out loss is not a number any more."""

    def on_epoch_end(self, result: EpochResult) -> None:
        loss = (result.validation or {})["loss"]
        if not math.isfinite(loss):
            raise DivergenceError(f"epoch {result.epoch}: the loss on images not trained on became {loss}")
