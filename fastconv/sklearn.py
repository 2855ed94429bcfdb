"""A convolutional network as a classifier of scikit-learn. It needs `pip install "fastconv[sklearn]"`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.data import Augmentation, Dataset
from fastconv.errors import ShapeError
from fastconv.models import MODELS
from fastconv.nn import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, Sequential
from fastconv.optim import OPTIMIZERS, SCHEDULES, Optimizer
from fastconv.probabilities import probabilities_of
from fastconv.serialization import from_bytes, to_bytes
from fastconv.trainer import Trainer

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError('fastconv.sklearn needs scikit-learn 1.6 or newer: pip install "fastconv[sklearn]"') from error

__all__ = ["CNNClassifier"]

#: Pooling halves sides that are at least so long.
LEAST_POOLED = 8

Shape = tuple[int, int, int]


class CNNClassifier(ClassifierMixin, BaseEstimator):
    """Classifies images with a convolutional network.

    X is (N, C, H, W), (N, H, W), or flat (N, features): of `image_shape`, else square images of one channel where the
    features are a square number, else rows 1×1×features. Each channel is normalised by the training set's mean and
    standard deviation; uint8 stays uint8 until a batch is packed.

    model: a name of fastconv.models.MODELS, or a function of the number of classes that returns a network; None is a
        small network for images of any size.
    image_shape: (C, H, W) or (H, W) of flat images.
    epochs, batch_size, augment: as those of `Trainer.fit`.
    optimizer, schedule: names, as on the command line; the optimizer may be one itself.
    lr: the highest learning rate; None for the optimizer's own.
    random_state: decides the first weights, the order of the images and the augmentation.

    Fitted: classes_, model_ (the network), image_shape_ (C, H, W), n_features_in_, mean_ and std_ (per channel, in
    X's units), loss_curve_ (the mean loss of each epoch). A pickle holds the network as safetensors, and can be made
    where all its layers are fastconv's own.
    """

    def __init__(self, model: str | Callable[[int], Layer] | None = None, *,
                 image_shape: tuple[int, ...] | None = None, epochs: int = 20, batch_size: int = 32,
                 optimizer: str | Optimizer = "adamw", lr: float | None = None, schedule: str = "one-cycle",
                 augment: Augmentation | None = None, random_state: Any = 0) -> None:
        self.model = model
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.schedule = schedule
        self.augment = augment
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Trains a new network on the images X with the classes y (N,), any labels; returns the classifier."""
        flat, shape = self._flat(X, y)
        images, labels = flat
        check_classification_targets(labels)
        self.classes_, targets = np.unique(column_or_1d(labels, warn=True), return_inverse=True)
        self.image_shape_ = shape or self._shape_of_flat(images.shape[1])
        images = images.reshape(-1, *self.image_shape_)
        self.mean_, self.std_ = _statistics(images)
        data = Dataset(self._prepared(images), targets, map(str, self.classes_), self.mean_ / 255, self.std_ / 255)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = self._network(len(self.classes_))
        model.init(seed)
        optimizer = self._optimizer()
        results = Trainer(model, optimizer).fit(
            data, self.epochs, self.batch_size, schedule=_named(SCHEDULES, "schedule", self.schedule)(optimizer.lr),
            seed=seed, augment=self.augment)
        self.model_, self.loss_curve_ = model, [result.loss for result in results]
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability of each class, (N, classes), in the order of classes_."""
        check_is_fitted(self)
        images, shape = self._flat(X)
        if shape not in (None, self.image_shape_):
            raise ValueError(f"expected images {self.image_shape_}, as in fit, got {shape}")
        outputs = self.model_(self._prepared(images.reshape(-1, *self.image_shape_)))
        return probabilities_of(self.model_)(outputs)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each image, (N,)."""
        probabilities = self.predict_proba(X)
        classes: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return classes

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        return state | {"model_": to_bytes(self.model_)} if "model_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state | {"model_": from_bytes(state["model_"])} if "model_" in state else state)

    def _flat(self, X: ArrayLike, *y: ArrayLike) -> tuple[Any, Shape | None]:
        """X, or (X, y), validated with X as (N, features), and the images' shape where X says it."""
        shape, array = None, X
        images = X if hasattr(X, "ndim") else np.asarray(X)
        if images.ndim in (3, 4):
            images = np.asarray(images)
            shape = _with_channel(images.shape[1:])
            array = images.reshape(len(images), math.prod(shape))
        return validate_data(self, array, *y, reset=bool(y), dtype=[np.float32, np.uint8]), shape

    def _shape_of_flat(self, features: int) -> Shape:
        if self.image_shape is None:
            side = math.isqrt(features)
            return (1, side, side) if side * side == features else (1, 1, features)
        shape = _with_channel(tuple(self.image_shape))
        if math.prod(shape) != features:
            raise ShapeError(f"expected {math.prod(shape)} features for images {shape}, got {features}")
        return shape

    def _prepared(self, images: NDArray[Any]) -> NDArray[Any]:
        """Images as networks take them: uint8, which they normalise themselves, or normalised float32."""
        if images.dtype == np.uint8:
            return images
        mean, std = (each.astype(np.float32)[:, None, None] for each in (self.mean_, self.std_))
        prepared: NDArray[Any] = (images - mean) / std
        return prepared

    def _network(self, classes: int) -> Layer:
        if self.model is None:
            return small_network(self.image_shape_, classes)
        return self.model(classes) if callable(self.model) else _named(MODELS, "model", self.model)(num_classes=classes)

    def _optimizer(self) -> Optimizer:
        rate = {} if self.lr is None else {"lr": self.lr}
        if isinstance(self.optimizer, Optimizer):
            return self.optimizer.replace(**rate)
        made: Optimizer = _named(OPTIMIZERS, "optimizer", self.optimizer)(**rate)
        return made


def small_network(image_shape: Shape, classes: int) -> Sequential:
    """Two 3×3 convolutions, pooled where there is something to pool, and two linear layers."""
    channels, *sides = image_shape
    layers: list[Layer] = []
    for out_channels in (16, 32):
        layers += [Conv2d(channels, out_channels, 3, padding=1), ReLU()]
        window = tuple(2 if side >= LEAST_POOLED else 1 for side in sides)
        if max(window) > 1:
            layers.append(MaxPool2d((window[0], window[1])))
        channels, sides = out_channels, [side // step for side, step in zip(sides, window, strict=True)]
    return Sequential(*layers, Flatten(), Linear(channels * math.prod(sides), 64), ReLU(), Linear(64, classes))


def _with_channel(shape: tuple[int, ...]) -> Shape:
    """(C, H, W) of (C, H, W) or (H, W)."""
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ShapeError(f"expected images (C, H, W) or (H, W), got {shape}")
    channels, height, width = (1,) * (3 - len(shape)) + shape
    return channels, height, width


def _statistics(images: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel, (C,); 1 for a deviation of 0."""
    if images.dtype == np.uint8:
        measured = Dataset(images, np.zeros(len(images), np.int64), ["0"])
        return 255 * measured.mean.astype(np.float64), 255 * measured.std.astype(np.float64)
    std = images.std(axis=(0, 2, 3), dtype=np.float64)
    return images.mean(axis=(0, 2, 3), dtype=np.float64), np.where(std > 0, std, 1.0)


def _named(registry: dict[str, Any], parameter: str, name: Any) -> Any:
    if name not in registry:
        raise ValueError(f"CNNClassifier: expected {parameter} to be one of {', '.join(registry)}, got {name!r}")
    return registry[name]
