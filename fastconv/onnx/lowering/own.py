"""The functions that `export` writes for layers, as those layers again."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

from fastconv import nn
from fastconv.nn.layer import Layer
from fastconv.onnx.lowering.expect import Input, constant, value
from fastconv.onnx.network import Network, Value


def swish(net: Network, x: Input, *, beta: float) -> Value:
    return net.add(nn.Swish(beta), value(x))


def learnable_swish(net: Network, x: Input, beta: Input) -> Value:
    return net.add(nn.Swish(learnable=True), value(x), state={"beta": constant("beta", beta, 1)})


def softplus(net: Network, x: Input, *, beta: float, threshold: float) -> Value:
    return net.add(nn.Softplus(beta, threshold), value(x))


def acon_a(net: Network, x: Input, beta: Input) -> Value:
    return _acon(net, nn.AconA, x, beta=beta)


def acon_b(net: Network, x: Input, p: Input, beta: Input) -> Value:
    return _acon(net, nn.AconB, x, p=p, beta=beta)


def acon_c(net: Network, x: Input, p1: Input, p2: Input, beta: Input) -> Value:
    return _acon(net, nn.AconC, x, p1=p1, p2=p2, beta=beta)


def meta_acon_pixel(net: Network, x: Input, p1: Input, p2: Input) -> Value:
    return _meta_acon(net, "pixel", x, {"p1": p1, "p2": p2})


def meta_acon_layer(net: Network, x: Input, p1: Input, p2: Input) -> Value:
    return _meta_acon(net, "layer", x, {"p1": p1, "p2": p2})


def meta_acon_channel(net: Network, x: Input, p1: Input, p2: Input, fc1_weight: Input, fc1_bias: Input,
                      fc2_weight: Input, fc2_bias: Input) -> Value:
    return _meta_acon(net, "channel", x, {
        "p1": p1, "p2": p2, "fc1.weight": fc1_weight, "fc1.bias": fc1_bias, "fc2.weight": fc2_weight,
        "fc2.bias": fc2_bias})


def _acon(net: Network, kind: type[Layer], x: Input, **parameters: Input) -> Value:
    state = _state(parameters)
    return net.add(kind(channels=state["beta"].size), value(x), state=state)


def _meta_acon(net: Network, design: Literal["channel", "layer", "pixel"], x: Input,
               parameters: dict[str, Input]) -> Value:
    state = _state(parameters)
    r = state["fc1.bias"].size if design == "channel" else 16  # for all r, as many hidden channels as r = their number
    return net.add(nn.MetaAconC(state["p1"].size, r, design), value(x), state=state)


def _state(parameters: dict[str, Input]) -> dict[str, NDArray[Any]]:
    return {name: constant(name, each) for name, each in parameters.items()}


LAYERS = {
    "fastconv.AconA": acon_a, "fastconv.AconB": acon_b, "fastconv.AconC": acon_c,
    "fastconv.LearnableSwish": learnable_swish, "fastconv.MetaAconChannel": meta_acon_channel,
    "fastconv.MetaAconLayer": meta_acon_layer, "fastconv.MetaAconPixel": meta_acon_pixel,
    "fastconv.Softplus": softplus, "fastconv.Swish": swish,
}
