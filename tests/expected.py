"""What a network should make of a batch: computed in float64 from the reference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import nn, reference
from fastconv.nn.layer import Layer
from fastconv.nn.loss import Loss
from fastconv.reference.window import Window
from tests.networks import State


def in_float64(arrays: State) -> State:
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def values(model: Layer, state: State, x: NDArray[Any], training: bool = False) -> list[NDArray[Any]]:
    """The batch, and what each leaf of a model makes; with what `value_and_grad` drops, in training."""
    made, drawn = [x], dropped(model, training)
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


def dropped(model: Layer, training: bool) -> dict[Layer, Callable[[NDArray[Any]], NDArray[Any]]]:
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
