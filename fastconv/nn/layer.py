"""What every layer is: hyper-parameters, parameters by name, and the shape it makes of a shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.engine.parameter import Parameter
from fastconv.engine.pool import Pool
from fastconv.errors import DtypeError, ShapeError
from fastconv.nn import init
from fastconv.shapes import integer

Shape = tuple[int, ...]


class Layer:
    """One step of a network, or a whole network.

    Called with a batch it infers: layer(x) for x (N, C, H, W) uint8 or float32 returns (N, ...) float32, and changes
    nothing. uint8 images are scaled by 1/255 and normalised with mean and std.

    config: the constructor's arguments by name, from which `fastconv.load` makes the layer again.
    trainable: False keeps the parameters as they are in training.
    mean, std: per channel, of the images the network was trained on.
    classes, input_shape: their classes' names and (C, H, W). `Trainer.fit` sets these four by `set_images`.
    """

    trainable = True
    mean: NDArray[np.float32] | None = None
    std: NDArray[np.float32] | None = None
    classes: tuple[str, ...] | None = None
    input_shape: tuple[int, int, int] | None = None

    def __init__(self, **config: Any) -> None:
        self.config = config
        self._parameters: dict[str, Parameter] = {}
        self._sessions = Pool()

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        from fastconv.nn.inference import infer  # Numba is imported when the first kernel is needed

        return infer(self, x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.config.items())})"

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of what the layer makes of a batch of `shape`, both with N; ShapeError where it cannot."""
        return shape

    def multiply_adds(self, output_shape: Shape) -> int:
        """Multiply-adds that one image costs."""
        return 0

    @property
    def parameter_count(self) -> int:
        return sum(parameter.array.size for parameter in self._all_parameters().values())

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """The layers that compute something, in order, by their names in a state dict."""
        yield prefix.removesuffix("."), self

    def parameters(self) -> dict[str, Parameter]:
        """All parameters by their names in a state dict; those never set are drawn as by init(0)."""
        parameters = self._all_parameters()
        if any(parameter.version == 0 for parameter in parameters.values()):
            self._init(0, only_new=True)
        return parameters

    def init(self, seed: int = 0) -> None:
        """Draws all parameters anew: the same seed gives the same bits."""
        self._init(seed, only_new=False)

    def state_dict(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every parameter, in PyTorch's layout."""
        return {name: parameter.array.copy() for name, parameter in self.parameters().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Sets every parameter. Raises ShapeError or DtypeError, and changes nothing, where the state does not fit."""
        parameters = self._all_parameters()
        if parameters.keys() != state.keys():
            missing, unknown = sorted(parameters.keys() - state.keys()), sorted(state.keys() - parameters.keys())
            raise ShapeError(f"the state dict does not fit the model: missing {missing}, unknown {unknown}")
        arrays = {name: np.asarray(value) for name, value in state.items()}
        for name, array in arrays.items():
            if not np.issubdtype(array.dtype, np.floating):
                raise DtypeError(f"{name}: expected floating-point values, got {array.dtype}")
            if array.shape != parameters[name].array.shape:
                raise ShapeError(f"{name}: expected shape {parameters[name].array.shape}, got {array.shape}")
        for name, array in arrays.items():
            parameters[name].set(array)

    def set_images(self, mean: ArrayLike, std: ArrayLike, classes: Iterable[str] | None = None,
                   input_shape: tuple[int, int, int] | None = None) -> None:
        """Says what images the network is for; mean and std, one value a channel, normalise uint8 images from now on.

        Raises ValueError where they cannot normalise anything.
        """
        means, stds = np.array(mean, np.float32), np.array(std, np.float32)
        per_channel = means.ndim == 1 and means.shape == stds.shape and means.size > 0
        if not per_channel or not np.isfinite([means, stds]).all() or stds.min() <= 0:
            raise ValueError(f"expected a finite mean and a positive std for each channel, got {means} and {stds}")
        if input_shape is not None:
            channels, height, width = (integer("input_shape", size) for size in input_shape)
            input_shape = channels, height, width
        names = None if classes is None else tuple(classes)
        if isinstance(classes, str) or not all(isinstance(name, str) for name in names or ()):
            raise DtypeError(f"expected classes to be names, got {classes!r}")
        self.mean, self.std, self.input_shape = means, stds, input_shape
        self.classes = names
        self._sessions.clear()

    def _all_parameters(self) -> dict[str, Parameter]:
        return {f"{prefix}.{name}".lstrip("."): parameter
                for prefix, leaf in self.leaves() for name, parameter in leaf._parameters.items()}

    def _init(self, seed: int, only_new: bool) -> None:
        index = 0
        for _, leaf in self.leaves():
            for name, parameter in leaf._parameters.items():
                # Each parameter has a stream of its own, so freezing or loading one does not change another.
                if parameter.version == 0 or not only_new:
                    parameter.set(leaf._draw(name, parameter, np.random.default_rng([seed, index])))
                index += 1

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        """Initial values: PyTorch's default for weights and biases alike."""
        fan_in = int(np.prod(self._parameters["weight"].array.shape[1:]))
        return init.kaiming_uniform(rng, parameter.array.shape, fan_in)


class Weighted(Layer):
    """A layer with a weight and perhaps a bias."""

    def _declare(self, weight_shape: Shape, bias: bool) -> None:
        self._parameters["weight"] = Parameter(weight_shape)
        if bias:
            self._parameters["bias"] = Parameter(weight_shape[:1])

    @property
    def weight(self) -> NDArray[np.float32]:
        """The weight, read-only; `load_state_dict` sets it."""
        return _read_only(self.parameters()["weight"].array)

    @property
    def bias(self) -> NDArray[np.float32] | None:
        """The bias, read-only; None where there is none."""
        parameters = self.parameters()
        return _read_only(parameters["bias"].array) if "bias" in parameters else None


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    view = array.view()
    view.flags.writeable = False
    return view


def shapes(model: Layer, shape: Shape) -> Iterator[tuple[str, Layer, Shape]]:
    """Each leaf of a model with its name and the shape it makes, for a batch of `shape`, both with N.

    Raises ShapeError with the layer, the shape found and the shape expected.
    """
    for name, leaf in model.leaves():
        try:
            shape = leaf.output_shape(shape)
        except ShapeError as error:
            label = f'{type(leaf).__name__} "{name}"' if name else type(leaf).__name__
            raise ShapeError(f"{label}: {error}") from None
        yield name, leaf, shape


def final_shape(model: Layer, shape: Shape) -> Shape:
    """The shape a model makes of a batch of `shape`, both with N. Raises as `shapes` does."""
    for _, _, made in shapes(model, shape):
        shape = made
    return shape


def expect_images(shape: Shape, channels: int | None = None) -> None:
    """Raises ShapeError unless `shape` is (N, C, H, W), with C = channels if given."""
    if len(shape) != 4 or channels not in (None, shape[1]):
        raise ShapeError(f"expected (N, {channels or 'C'}, H, W), got {shape}")
