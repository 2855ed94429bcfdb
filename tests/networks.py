"""Whole networks for tests: drawn at random, computed in float64 from the reference, and rebuilt in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastconv import nn, reference
from fastconv.errors import ShapeError
from fastconv.nn.graph import INPUT
from fastconv.nn.layer import Layer, Shape
from fastconv.nn.loss import Loss
from fastconv.reference.window import Window
from tests.strategies import pairs, seeds

#: No image, one, and those around one and two groups of lanes.
BATCH_SIZES = (0, 1, 15, 16, 17, 33)

#: Of a value in a random graph.
MOST_CHANNELS = 40

State = dict[str, NDArray[Any]]


def normal(seed: int, *shape: int) -> NDArray[np.float32]:
    """Standard normal values: no two alike, and none that float32 holds by luck."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def pixels(seed: int, *shape: int) -> NDArray[np.uint8]:
    """Every value an image can have."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def small_network() -> nn.Sequential:
    """A convolution and a linear layer that make three logits of an image 1×6×6."""
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))


def scale_norms(model: Layer, seed: int) -> None:
    """Gives normalisations weights and biases that are not all alike."""
    state = model.state_dict()
    for name, leaf in model.leaves():
        if isinstance(leaf, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
            for place, own in enumerate(leaf.parameters()):
                state[f"{name}.{own}"] += 0.3 * normal(seed + place, *state[f"{name}.{own}"].shape)
    model.load_state_dict(state)


def assert_same_bits(actual: State, expected: State) -> None:
    """Asserts that two state dicts have the same names and values, to the last bit."""
    assert actual.keys() == expected.keys()
    for name, array in actual.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


# --- In float64, from the reference ---


def in_float64(arrays: State) -> State:
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def values(model: Layer, state: State, x: NDArray[Any], training: bool = False) -> list[NDArray[Any]]:
    """The batch, and what each leaf of a model makes; with what `value_and_grad` drops, in training."""
    made, drawn = [x], _dropped(model, training)
    for node in model.expansion().nodes:
        if node.layer in drawn:
            made.append(drawn[node.layer](made[node.inputs[0]]))
            continue
        own = {key.removeprefix(f"{node.name}."): array for key, array in state.items()
               if key.startswith(f"{node.name}.")}
        made.append(_outputs(node.layer, own, [made[value] for value in node.inputs], training))
    return made


def outputs(model: Layer, state: State, x: NDArray[Any], training: bool = False) -> NDArray[Any]:
    """What a model makes of a batch, in the precision of the arguments."""
    return values(model, state, x, training)[model.expansion().output]


def _dropped(model: Layer, training: bool) -> dict[Layer, Callable[[NDArray[Any]], NDArray[Any]]]:
    """What each dropout of a network does."""
    layers = [leaf for _, leaf in model.leaves() if isinstance(leaf, nn.Dropout)]
    operators = [reference.dropout2d if isinstance(each, nn.Dropout2d) else reference.dropout for each in layers]
    return {each: partial(operator, p=each.p if training else 0.0, stream=stream)
            for stream, (each, operator) in enumerate(zip(layers, operators, strict=True))}


def _outputs(layer: Layer, state: State, inputs: list[NDArray[Any]], training: bool) -> NDArray[Any]:
    x, options = inputs[0], dict(layer.config)
    weight, bias = state.get("weight"), state.get("bias")
    match layer:
        case nn.Conv2d():
            windows = {name: options[name] for name in ("stride", "padding", "dilation", "groups")}
            return reference.conv2d(x, weight, bias, **windows)
        case nn.ConvTranspose2d():
            names = "stride", "padding", "output_padding", "groups", "dilation"
            return reference.conv_transpose2d(x, weight, bias, **{name: options[name] for name in names})
        case nn.BatchNorm2d():
            own = (state["running_mean"], state["running_var"]) if not training else reference.statistics(x)
            return reference.batch_norm(x, *own, weight, bias, options["eps"])
        case nn.GroupNorm():
            return reference.group_norm(x, options["num_groups"], weight, bias, options["eps"])
        case nn.LayerNorm():
            return reference.layer_norm(x, weight, bias, options["eps"])
        case nn.Linear():
            return reference.linear(x, weight, bias)
        case nn.MaxPool2d():
            return reference.max_pool2d(x, **options)[0]
        case nn.AvgPool2d():
            return reference.avg_pool2d(x, **options)
        case nn.AdaptiveAvgPool2d():
            rows, cols = layer.output_size
            return reference.avg_pool2d(x, (x.shape[2] // rows, x.shape[3] // cols))
        case nn.AdaptiveMaxPool2d():
            rows, cols = layer.output_size
            return reference.max_pool2d(x, (x.shape[2] // rows, x.shape[3] // cols))[0]
        case nn.Add():
            return sum(inputs[1:], x)
        case nn.Multiply():
            return x * inputs[1]
        case nn.Concat():
            return np.concatenate(inputs, axis=1)
        case nn.Narrow():
            return x[:, layer.start:layer.start + layer.length]
        case nn.ChannelShuffle():
            return reference.channel_shuffle(x, **options)
        case nn.Flatten():
            return x.reshape(len(x), -1)
        case nn.PReLU() | nn.Swish() | nn.AconA() | nn.AconB() | nn.AconC() | nn.MetaAconC():
            return _learnable(layer, {name: array if "." in name else array.reshape(1, -1, *(1,) * (x.ndim - 2))
                                      for name, array in state.items()}, x)
        case nn.LeakyReLU():
            return reference.leaky_relu(x, **options)
        case nn.ReLU6():
            return reference.hardtanh(x, 0, 6)
        case nn.SiLU():
            return reference.swish(x)
        case _:
            return getattr(reference, type(layer).__name__.lower())(x, **options)


def _learnable(layer: Layer, state: State, x: NDArray[Any]) -> NDArray[Any]:
    """What an activation makes of x (N, C, …), with its parameters shaped to go with that."""
    match layer:
        case nn.PReLU():
            return reference.leaky_relu(x, state["weight"])
        case nn.Swish() | nn.AconA():
            return reference.swish(x, state.get("beta", layer.config.get("beta")))
        case nn.AconB():
            return reference.acon(x, 1.0, state["p"], state["beta"])
        case nn.AconC():
            return reference.acon(x, state["p1"], state["p2"], state["beta"])
    layers = [(state[f"{name}.weight"][:, :, 0, 0], state[f"{name}.bias"]) for name in ("fc1", "fc2")
              if f"{name}.weight" in state]
    return reference.meta_acon(x, state["p1"], state["p2"], layer.config["design"], *layers)


def mean_loss(loss: Loss, y: NDArray[Any], targets: NDArray[Any]) -> float:
    """The mean of a loss over a batch of outputs."""
    if isinstance(loss, nn.CrossEntropyLoss):
        return float(reference.cross_entropy(y, targets, loss.label_smoothing)[0].mean())
    return float(reference.mse(y, targets)[0].mean())


def distance_to_kinks(model: Layer, state: State, x: NDArray[Any], training: bool = False) -> float:
    """How far activations are from their kinks at least, and a window's maximum from its second; ties do not count."""
    nearest = np.inf
    made = values(model, state, x, training)
    for node in model.expansion().nodes:
        leaf, before = node.layer, made[node.inputs[0]]
        if isinstance(leaf, nn.ReLU | nn.LeakyReLU | nn.PReLU | nn.SELU | nn.ELU):
            distances = np.abs(before)
        elif isinstance(leaf, nn.Hardswish):
            distances = np.abs(np.abs(before) - 3)
        elif isinstance(leaf, nn.Hardtanh | nn.ReLU6):
            distances = np.minimum(*(np.abs(before - bound) for bound in leaf.coefficients))
        elif isinstance(leaf, nn.MaxPool2d | nn.AdaptiveMaxPool2d):
            distances = _leads(before, leaf)
        else:
            continue
        nearest = min(nearest, np.min(distances[distances > 0], initial=np.inf))
    return nearest


def _leads(x: NDArray[Any], layer: nn.MaxPool2d | nn.AdaptiveMaxPool2d) -> NDArray[Any]:
    """How far the maximum of each window of x is from the second value in it."""
    height, width = x.shape[2:]
    if isinstance(layer, nn.MaxPool2d):
        window = Window.of_pooling(**layer.config, **({} if layer.ceil_mode else {"ceil_mode": False}))
    else:
        part = height // layer.output_size[0], width // layer.output_size[1]
        window = Window.of_pooling(part, None, 0, False)
    reaching = window.reaching(x)
    taps = [pixels for _, _, pixels in reaching.taps(reaching.pad(x, -np.inf))]
    ranked = np.sort([np.full_like(taps[0], -np.inf), *taps], axis=0)
    return ranked[-1] - ranked[-2]


# --- In PyTorch ---


def to_torch(model: Layer) -> Any:
    """The same network in PyTorch, in float64, with the same weights under the same names."""
    import torch

    torch.set_num_threads(1)  # tests run side by side, and its idle threads spin
    network, dropped = model.expansion(), _dropped(model, training=True)

    class Dropout(torch.nn.Module):
        """Drops what `value_and_grad` does."""

        def __init__(self, layer: Layer) -> None:
            super().__init__()
            self.operator = dropped[layer]

        def forward(self, x: Any) -> Any:
            return x * torch.tensor(self.operator(np.ones(x.shape))) if self.training else x

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = [Dropout(node.layer) if isinstance(node.layer, nn.Dropout) else _layer_of_torch(node.layer)
                          for node in network.nodes]
            for node, step in zip(network.nodes, self.steps, strict=True):
                *path, last = node.name.split(".")
                parent: Any = self
                for name in path:
                    if name not in dict(parent.named_children()):
                        parent.add_module(name, torch.nn.Module())
                    parent = dict(parent.named_children())[name]
                parent.add_module(last, step)

        def __getitem__(self, index: int) -> Any:
            return self.steps[index]

        def forward(self, x: Any) -> Any:
            made = [x]
            for node, step in zip(network.nodes, self.steps, strict=True):
                made.append(step(*(made[value] for value in node.inputs)))
            return made[network.output]

    twin = Network()
    twin.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    return twin.double()


def _layer_of_torch(layer: Layer) -> Any:
    import torch

    class Add(torch.nn.Module):
        def forward(self, *inputs: Any) -> Any:
            return sum(inputs[1:], inputs[0])

    class Concat(torch.nn.Module):
        def forward(self, *inputs: Any) -> Any:
            return torch.cat(inputs, dim=1)

    class Narrow(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.narrow(1, **layer.config)

    class Padded(torch.nn.Conv2d):
        def forward(self, x: Any) -> Any:
            top, bottom, left, right = layer.padding
            return super().forward(torch.nn.functional.pad(x, (left, right, top, bottom)))

    class Multiply(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x * y

    graphs = {nn.Add: Add, nn.Concat: Concat, nn.Multiply: Multiply, nn.Narrow: Narrow}
    if type(layer) in graphs:
        return graphs[type(layer)]()
    if isinstance(layer, nn.Conv2d):
        return Padded(**{**layer.config, "padding": 0})
    options = {"dim": 1} if isinstance(layer, nn.Softmax) else layer.config
    name = type(layer).__name__
    return getattr(torch.nn, name)(**options) if hasattr(torch.nn, name) else _activation_of_torch(layer)


def _activation_of_torch(layer: Layer) -> Any:
    """A module with the parameters of an activation that PyTorch lacks, whose gradients are autograd's."""
    import torch

    class Activation(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            config = layer.config
            for name, array in layer.state_dict().items():
                if "." not in name:
                    self.register_parameter(name, torch.nn.Parameter(torch.zeros(array.shape)))
            if config.get("design") == "channel":
                self.fc1 = torch.nn.Conv2d(config["channels"], layer.hidden, 1)
                self.fc2 = torch.nn.Conv2d(layer.hidden, config["channels"], 1)

        def forward(self, x: Any) -> Any:
            image = x.reshape(*x.shape[:2], *(x.shape[2:] or (1, 1)))
            return self.acon(image).reshape(x.shape)

        def acon(self, x: Any) -> Any:
            p1, p2, beta = getattr(self, "p1", 1), getattr(self, "p2", 0), getattr(self, "beta", None)
            if isinstance(layer, nn.Swish):
                beta = layer.config["beta"] if beta is None else beta
            elif isinstance(layer, nn.AconB):
                p2 = self.p
            elif isinstance(layer, nn.MetaAconC):
                means = x.mean(dim=(2, 3), keepdim=True)
                switches = {"pixel": lambda: x, "layer": lambda: means.sum(dim=1, keepdim=True),
                            "channel": lambda: self.fc2(self.fc1(means))}
                beta = torch.sigmoid(switches[layer.design]())
            return (p1 - p2) * x * torch.sigmoid(beta * (p1 - p2) * x) + p2 * x

    return Activation()


def loss_of_torch(loss: Loss) -> Any:
    import torch

    if isinstance(loss, nn.CrossEntropyLoss):
        return torch.nn.CrossEntropyLoss(label_smoothing=loss.label_smoothing)
    return torch.nn.MSELoss()


# --- Drawn at random ---


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
    if np.prod(shape) == 1:  # PyTorch refuses to normalise a single value by GroupNorm
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
