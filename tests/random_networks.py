"""Whole networks drawn at random, with a loss and a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import ShapeError
from fastconv.nn.graph import INPUT
from fastconv.nn.layer import Layer, Shape
from fastconv.nn.loss import Loss
from tests.expected import distance_to_kinks, in_float64
from tests.networks import BATCH_SIZES, State, normal, scale_norms
from tests.strategies import pairs, seeds

#: Of a value in a random graph.
MOST_CHANNELS = 40

#: Of a value from a kink: ten times what float32 loses on values of these networks.
CLEARANCE = 2e-5


@dataclass(frozen=True)
class Problem:
    """A network with weights, a loss, and a batch for both."""

    model: nn.Sequential
    loss: Loss
    batch: int
    image: tuple[int, int, int]
    seed: int

    @property
    def x(self) -> NDArray[np.float32]:
        return normal(self.seed, self.batch, *self.image)

    @property
    def targets(self) -> NDArray[Any]:
        shape = self.model.output_shape((self.batch, *self.image))
        if isinstance(self.loss, nn.CrossEntropyLoss):
            return np.random.default_rng(self.seed).integers(0, shape[1], self.batch)
        return normal(self.seed + 1, *shape)

    @property
    def depends_on_batch(self) -> bool:
        """Whether what training makes of an image depends on the others of its batch, or on its place there."""
        return any(isinstance(leaf, nn.BatchNorm2d | nn.Dropout) for _, leaf in self.model.leaves())

    def state(self) -> State:
        return in_float64(self.model.state_dict())


def assume_smooth(problem: Problem, training: bool = False) -> None:
    """Passes over batches in which rounding could decide which side of a kink a value lies on."""
    x = problem.x.astype(np.float64)
    assume(distance_to_kinks(problem.model, problem.state(), x, training) > CLEARANCE)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to two stages of convolution, activation and pooling, then up to two linear layers, and a loss."""
    seed, batch = draw(seeds), draw(st.sampled_from([size for size in BATCH_SIZES if size > 0]))
    image = draw(st.integers(1, 3)), draw(st.integers(5, 9)), draw(st.integers(5, 9))
    layers: list[Layer] = []
    for _ in range(draw(st.integers(1, 2))):
        channels = _shape(layers, batch, image)[1]
        layers.append(draw(_convolutions(channels) | _transposed_convolutions(channels)))
        assume(_fits(layers, batch, image))
        layers += draw(_blocks(_shape(layers, batch, image)))
        for layer in (draw(_activations(_shape(layers, batch, image)[1])), draw(_poolings())):
            if layer is not None:
                layers.append(layer)
                assume(_fits(layers, batch, image))
    entropy = draw(st.booleans())
    if entropy or draw(st.booleans()):
        layers.append(nn.Flatten())
        if draw(st.booleans()):
            activation = draw(_activations(_shape(layers, batch, image)[1]))  # of features that were pixels
            layers += [] if activation is None else [activation]
            outputs = draw(st.integers(1, 7))
            layers.append(nn.Linear(_shape(layers, batch, image)[1], outputs))
            layers += [each for each in (draw(st.none() | _norms((batch, outputs))), draw(_activations(outputs)),
                                         draw(st.sampled_from([None, nn.Dropout(0.4)]))) if each is not None]
        layers.append(nn.Linear(_shape(layers, batch, image)[1], draw(st.integers(2, 5)), bias=draw(st.booleans())))
        if not entropy and draw(st.booleans()):
            layers.append(nn.Softmax())
    model = nn.Sequential(*layers)
    model.init(seed)
    scale_norms(model, seed)
    loss = nn.CrossEntropyLoss(draw(st.sampled_from([0.0, 0.1, 1.0]))) if entropy else nn.MSELoss()
    return Problem(model, loss, batch, image, seed)


@st.composite
def _blocks(draw: st.DrawFn, shape: Shape) -> list[Layer]:
    """Up to one layer that keeps the size: a normalisation, a dropout, or layers whose values have several readers."""
    kind = draw(st.sampled_from(["none", "dropout", "norm", "residual", "normalised residual", "gate", "graph",
                                 "channels"]))
    if kind == "none":
        return []
    if kind == "dropout":
        return [draw(st.sampled_from([nn.Dropout, nn.Dropout2d]))(draw(st.sampled_from([0.0, 0.3, 0.5])))]
    channels, norm = shape[1], draw(_norms(shape))
    if kind == "channels":
        return [draw(channel_graphs(channels))]
    if kind == "norm":
        return [norm]
    conv = nn.Conv2d(channels, channels, 3, padding=1, bias=draw(st.booleans()))
    activation = draw(_activations(channels))
    body = [conv] if activation is None else draw(st.permutations([conv, activation]))
    if kind == "normalised residual":
        body = [conv, norm]
    if kind in ("residual", "normalised residual"):
        shortcut = draw(st.sampled_from([None, nn.Conv2d(channels, channels, 1), nn.LeakyReLU(0.2)]))
        return [nn.Residual(nn.Sequential(*body), shortcut)]
    if kind == "gate":
        gate = nn.Sequential(conv, draw(st.sampled_from([nn.Sigmoid(), nn.Tanh(), nn.AdaptiveAvgPool2d(1)])))
        nodes = [("gate", gate, "input"), ("product", nn.Multiply(), draw(st.permutations(["gate", "input"])))]
        return [draw(st.sampled_from([nn.SqueezeExcite(channels, reduction=2), nn.Graph(nodes)]))]
    first = draw(st.sampled_from([nn.ReLU(), nn.Tanh(), nn.Conv2d(channels, channels, 1)]))
    return [nn.Graph([("first", first, "input"), ("body", nn.Sequential(*body), "first"),
                      ("other", nn.ReLU(), "first"), ("sum", nn.Add(), ("other", "body", "first"))])]


@st.composite
def _norms(draw: st.DrawFn, shape: Shape) -> Layer:
    """Of a whole batch's images, of groups of an image's channels, or of whole images or features."""
    channels, eps, affine = shape[1], draw(st.sampled_from([0.1, 1.0])), draw(st.booleans())
    groups = draw(st.sampled_from([each for each in (1, 2, 3) if channels % each == 0] + [channels]))
    per_image = [nn.LayerNorm(shape[1:], eps, affine), nn.GroupNorm(groups, channels, eps, affine)]
    if np.prod(shape) == groups:  # PyTorch refuses GroupNorm of single values
        per_image.pop()
    return draw(st.sampled_from([nn.BatchNorm2d(channels, eps, affine=affine), *per_image][len(shape) == 2:]))


@st.composite
def channel_graphs(draw: st.DrawFn, channels: int) -> nn.Graph:
    """Channels put together, taken apart and shuffled, with layers in between; all that is not read comes out."""
    counts, unread, nodes = {INPUT: channels}, [INPUT], []

    def add(layer: Layer, *reads: str) -> None:
        name = f"node{len(nodes)}"
        nodes.append((name, layer, reads))
        counts[name] = layer.output_shape(*((1, counts[read], 1, 1) for read in reads))[1]
        unread[:] = [each for each in unread if each not in reads] + [name]

    for _ in range(draw(st.integers(1, 6))):
        names = st.sampled_from(sorted(counts))
        read = draw(names)
        count = counts[read]
        kind = draw(st.sampled_from(["narrow", "split", "concat", "shuffle", "convolution", "norm", "other"]))
        if kind == "narrow":
            start = draw(st.integers(0, count - 1))
            add(nn.Narrow(start, draw(st.integers(1, count - start))), read)
        elif kind == "split" and count > 1:
            first = draw(st.integers(1, count - 1))
            add(nn.Narrow(0, first), read)
            add(nn.Narrow(first, count - first), read)
        elif kind == "concat":
            add(nn.Concat(), *draw(st.lists(names, min_size=1, max_size=3)))
        elif kind == "shuffle":
            add(nn.ChannelShuffle(draw(st.sampled_from([each for each in (1, 2, 3) if count % each == 0]))), read)
        elif kind == "convolution":
            add(nn.Conv2d(count, draw(st.integers(1, 4)), 1, bias=draw(st.booleans())), read)
        elif kind == "norm":
            add(nn.BatchNorm2d(count, eps=1.0), read)
        else:
            add(draw(st.sampled_from([nn.ReLU(), nn.Tanh(), nn.PReLU(count), nn.MaxPool2d(1)])), read)
        assume(max(counts.values()) <= MOST_CHANNELS)
    add(nn.Concat(), *unread)
    return nn.Graph(nodes)


@st.composite
def _transposed_convolutions(draw: st.DrawFn, in_channels: int) -> nn.ConvTranspose2d:
    groups = draw(st.sampled_from([each for each in (1, 2, 3) if in_channels % each == 0]))
    stride = draw(pairs(1, 2))
    return nn.ConvTranspose2d(
        in_channels, groups * draw(st.integers(1, 3)), draw(pairs(1, 3)), stride=stride, padding=draw(pairs(0, 2)),
        output_padding=(draw(st.integers(0, stride[0] - 1)), draw(st.integers(0, stride[1] - 1))), groups=groups,
        bias=draw(st.booleans()), dilation=draw(pairs(1, 2)))


@st.composite
def _convolutions(draw: st.DrawFn, in_channels: int) -> nn.Conv2d:
    groups = draw(st.sampled_from([each for each in (1, 2, 3) if in_channels % each == 0]))
    return nn.Conv2d(in_channels, groups * draw(st.integers(1, 3)), draw(pairs(1, 3)), stride=draw(pairs(1, 2)),
                     padding=draw(st.integers(0, 2) | pairs(0, 2) | st.just("valid")), dilation=draw(pairs(1, 2)),
                     groups=groups, bias=draw(st.booleans()))


def _activations(channels: int) -> st.SearchStrategy[Layer | None]:
    """One of all, with its usual arguments or others; or none."""
    others = [
        nn.LeakyReLU(0.3), nn.LeakyReLU(-0.5), nn.PReLU(init=-0.4), nn.ELU(0.6), nn.Softplus(2.0, 1.5), nn.Swish(-1.3),
        nn.Swish(1.7, learnable=True), nn.ReLU6(), nn.Hardtanh(-0.3, 0.8), nn.MetaAconC(channels, r=1), None]
    return st.sampled_from([*nn.ACTIVATIONS.values()]).map(lambda make: make(channels)) | st.sampled_from(others)


@st.composite
def _poolings(draw: st.DrawFn) -> Layer | None:
    """A pooling whose windows may overlap, leave gaps and reach over the edge; an upsampling; or none."""
    make = draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.Upsample, None]))
    if make is None:
        return None
    if make is nn.AdaptiveMaxPool2d:
        return make(1)
    if make is nn.Upsample:
        return make(scale_factor=draw(pairs(1, 2)))
    height, width = draw(pairs(1, 3))
    padding = draw(st.tuples(st.integers(0, height // 2), st.integers(0, width // 2)))
    options = {"ceil_mode": draw(st.booleans())}
    if make is nn.AvgPool2d:
        options["count_include_pad"] = draw(st.booleans())
    return make((height, width), draw(st.none() | pairs(1, 3)), padding, **options)


def _shape(layers: list[Layer], batch: int, image: tuple[int, int, int]) -> tuple[int, ...]:
    return nn.Sequential(*layers).output_shape((batch, *image))


def _fits(layers: list[Layer], batch: int, image: tuple[int, int, int]) -> bool:
    try:
        _shape(layers, batch, image)
    except ShapeError:
        return False
    return True
