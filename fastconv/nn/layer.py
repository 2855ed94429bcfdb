"""What every layer is: hyper-parameters, parameters by name, and the shape it makes of a shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastconv.engine.parameter import Parameter
from fastconv.engine.pool import Pool
from fastconv.errors import DtypeError, ShapeError
from fastconv.nn import init
from fastconv.shapes import integer

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """A layer that computes something, in a network: its name in a state dict, and the values it reads.

    Value 0 is what the network is given, value i what node i - 1 makes.
    """

    name: str
    layer: Layer
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Expansion:
    """Everything a network computes, in order, and which of the values it returns."""

    nodes: Sequence[Node]
    output: int

    @property
    def readers(self) -> Counter[int]:
        """How many read each value; who is given the output is one of them."""
        return Counter([self.output, *(value for node in self.nodes for value in node.inputs)])

    def shapes(self, shape: Shape) -> list[Shape]:
        """The shapes of all values, for a batch of `shape`, with N.

        Raises ShapeError with the layer, the shape found and the shape expected.
        """
        made = [shape]
        for node in self.nodes:
            try:
                made.append(node.layer.output_shape(*(made[value] for value in node.inputs)))
            except ShapeError as error:
                kind = type(node.layer).__name__
                raise ShapeError(f'{kind} "{node.name}": {error}' if node.name else f"{kind}: {error}") from None
        return made


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
        self._statistics: dict[str, Parameter] = {}
        self._sessions = Pool()

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        try:
            return _infer()(self, x)
        except ShapeError as error:
            if self.input_shape in (None, np.shape(x)[1:]):
                raise
            raise ShapeError(f"{error}; the model was trained for images {self.input_shape}") from error

    def freeze(self, shape: Shape | None = None, dtype: DTypeLike = np.float32) -> None:
        """Compiles and packs all that calls with images of `shape` (C, H, W) need, so that none waits for it.

        shape: `input_shape` by default. Calls with other shapes, and those after the weights have changed, do the same
        when they need it. Raises ShapeError where no shape is known.
        """
        from fastconv.nn.images import check_images
        from fastconv.nn.inference import plan

        shape = self.input_shape if shape is None else shape
        if shape is None:
            raise ShapeError("freeze: expected the shape of an image, as in freeze((1, 28, 28)): the model knows none")
        images = check_images(np.zeros((1, *shape), dtype))
        plan(self, images.shape, images.dtype).prepare()

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

    def expand(self, nodes: list[Node], name: str, *values: int) -> int:
        """Appends the layers that compute something, when this one reads `values`; returns the value it makes."""
        nodes.append(Node(name, self, values))
        return len(nodes)

    def expansion(self) -> Expansion:
        """The network as a graph of the layers that compute something."""
        nodes: list[Node] = []
        return Expansion(nodes, self.expand(nodes, "", 0))

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """The layers that compute something, in order, by their names in a state dict."""
        for node in self.expansion().nodes:
            yield node.name, node.layer

    def parameters(self) -> dict[str, Parameter]:
        """All parameters by their names in a state dict; those never set are drawn as by init(0)."""
        parameters = self._all_parameters()
        if any(parameter.version == 0 for parameter in parameters.values()):
            self._init(0, only_new=True)
        return parameters

    def init(self, seed: int = 0) -> None:
        """Draws all parameters anew: the same seed gives the same bits. Statistics begin anew too."""
        self._init(seed, only_new=False)
        for _, leaf in self.leaves():
            leaf.reset_statistics()

    def reset_statistics(self) -> None:
        """Forgets what the layer itself has gathered in training."""

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of every parameter, in PyTorch's layout, and of the statistics gathered in training."""
        self.parameters()
        return {name: parameter.array.copy() for name, parameter in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Sets all that `state_dict` returns. Raises ShapeError or DtypeError, and changes nothing, where the state
        does not fit."""
        parameters = self._state()
        if parameters.keys() != state.keys():
            missing, unknown = sorted(parameters.keys() - state.keys()), sorted(state.keys() - parameters.keys())
            raise ShapeError(f"the state dict does not fit the model: missing {missing}, unknown {unknown}")
        arrays = {name: np.asarray(value) for name, value in state.items()}
        for name, array in arrays.items():
            if not np.issubdtype(array.dtype, parameters[name].kind):
                raise DtypeError(f"{name}: expected {parameters[name].kind_name} values, got {array.dtype}")
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
        self._sessions = Pool()  # a call that another thread has begun goes on with the one it knows

    def _all_parameters(self) -> dict[str, Parameter]:
        return {joined(prefix, name): parameter
                for prefix, leaf in self.leaves() for name, parameter in leaf._parameters.items()}

    def _state(self) -> dict[str, Parameter]:
        """Parameters, then statistics, of each layer."""
        return {joined(prefix, name): parameter for prefix, leaf in self.leaves()
                for name, parameter in (leaf._parameters | leaf._statistics).items()}

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


@cache
def _infer() -> Callable[[Layer, NDArray[Any]], NDArray[np.float32]]:
    from fastconv.nn.inference import infer  # Numba is imported when the first kernel is needed

    return infer


def _read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    view = array.view()
    view.flags.writeable = False
    return view


def joined(prefix: str, name: str) -> str:
    """The name of something inside a layer."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


def final_shape(model: Layer, shape: Shape) -> Shape:
    """The shape a model makes of a batch of `shape`, both with N. Raises as `Expansion.shapes` does."""
    expansion = model.expansion()
    return expansion.shapes(shape)[expansion.output]


def expect_images(shape: Shape, channels: int | None = None) -> None:
    """Raises ShapeError unless `shape` is (N, C, H, W), with C = channels if given."""
    if len(shape) != 4 or channels not in (None, shape[1]):
        raise ShapeError(f"expected (N, {channels or 'C'}, H, W), got {shape}")
