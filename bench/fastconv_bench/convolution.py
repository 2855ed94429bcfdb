"""Convolution layers one by one: forward, input gradient and weight gradient, by every algorithm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv import nn, reference
from fastconv.engine.operators import Window, direct, im2col, winograd
from fastconv.engine.operators.window import forward_taps
from fastconv_bench import peers
from fastconv_bench.operation import Operation
from fastconv_bench.workload import (
    CHANNELS_LAST,
    FASTCONV,
    NUMPY,
    NUMPY_IMAGES,
    ONNX_RUNTIME,
    PYTORCH,
    Contender,
    Workload,
)

BATCH = 128

ALGORITHMS = {"direct": direct, "im2col": im2col, "winograd": winograd}


@dataclass(frozen=True)
class Layer:
    name: str
    in_channels: int
    out_channels: int
    size: int
    kernel: int
    padding: int
    groups: int = 1

    @property
    def window(self) -> Window:
        return Window((self.kernel, self.kernel), padding=(self.padding,) * 4)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.out_channels, self.in_channels // self.groups, self.kernel, self.kernel

    @property
    def x_shape(self) -> tuple[int, int, int]:
        return self.in_channels, self.size, self.size

    @property
    def y_shape(self) -> tuple[int, int, int]:
        return self.out_channels, *self.window.output_size((self.size, self.size))

    @property
    def flop(self) -> float:
        """Of one image and one pass."""
        _, outputs, _ = self.y_shape
        taps = forward_taps(self.window, 0, self.size, outputs).table[:, 1].sum()
        return 2.0 * self.out_channels * self.in_channels / self.groups * float(taps) ** 2

    @property
    def bytes(self) -> int:
        """Of one image and one pass: the input and the output, or their gradients."""
        return 4 * (math.prod(self.x_shape) + math.prod(self.y_shape))


LAYERS = (
    Layer("LeNet conv1 1→6 5×5", 1, 6, 28, 5, 2),
    Layer("LeNet conv2 6→16 5×5", 6, 16, 14, 5, 0),
    Layer("16→16 3×3", 16, 16, 32, 3, 1),
    Layer("32→64 3×3", 32, 64, 16, 3, 1),
    Layer("64→64 3×3", 64, 64, 8, 3, 1),
    Layer("64→64 1×1", 64, 64, 16, 1, 0),
    Layer("64 depthwise 3×3", 64, 64, 16, 3, 1, groups=64),
)


def workloads() -> Iterator[Workload]:
    """Every layer, pass and algorithm."""
    for layer in LAYERS:
        for name, make in (("forward", _forward), ("input gradient", _input_grad), ("weight gradient", _weight_grad)):
            for algorithm in _algorithms(layer, name):
                yield Workload(f"{layer.name}, {name}, {algorithm}", BATCH, _maker(make, layer, algorithm),
                               flop=BATCH * layer.flop, bytes=BATCH * layer.bytes)


def _algorithms(layer: Layer, name: str) -> Iterator[str]:
    """Those that have a way of their own to compute a pass."""
    rows = (layer.in_channels if name == "input gradient" else layer.out_channels) // layer.groups
    yield "direct"
    if im2col.serves(rows):
        yield "im2col"
    if winograd.serves(layer.window) and layer.groups == 1 and name != "weight gradient":
        yield "winograd"


def _maker(make: Callable[[Layer, str], dict[str, Contender]], layer: Layer,
           algorithm: str) -> Callable[[], dict[str, Contender]]:
    return lambda: make(layer, algorithm)


def _arrays(layer: Layer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, weight and dy."""
    rng = np.random.default_rng(0)
    shapes = (BATCH, *layer.x_shape), layer.weight_shape, (BATCH, *layer.y_shape)
    x, weight, dy = (rng.standard_normal(shape, np.float32) for shape in shapes)
    return x, weight / np.float32(np.sqrt(weight[0].size)), dy


def _forward(layer: Layer, algorithm: str) -> dict[str, Contender]:
    x, weight, _ = _arrays(layer)
    module, bias = ALGORITHMS[algorithm], np.zeros(layer.out_channels, np.float32)
    operation = Operation(BATCH)
    operation.result(module.conv2d(
        operation.builder, operation.resident(layer.x_shape, module.halo(layer.window)),
        operation.weight(weight, layer.weight_shape, layer.groups), operation.bias(bias),
        layer.window))
    options: dict[str, Any] = {"padding": layer.padding, "groups": layer.groups}
    few = x[:NUMPY_IMAGES]
    contenders = {FASTCONV: Contender(operation.prepare(), BATCH),
                  NUMPY: Contender(lambda: reference.conv2d_im2col(few, weight, bias, **options), len(few))}
    torch = peers.torch()
    if torch:
        def run(images: Any, kernel: Any) -> Callable[[], object]:
            values = torch.from_numpy(bias)

            def call() -> object:
                with torch.inference_mode():
                    return torch.nn.functional.conv2d(images, kernel, values, **options)

            return call

        pair = torch.from_numpy(x), torch.from_numpy(weight)
        contenders[PYTORCH] = Contender(run(*pair), BATCH)
        contenders[CHANNELS_LAST] = Contender(run(*_channels_last(torch, *pair)), BATCH)
    if peers.has_onnx_runtime():
        network = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel, **options)
        network.load_state_dict({"weight": weight, "bias": bias})
        contenders[ONNX_RUNTIME] = Contender(peers.onnx_session(network, x), BATCH)
    return contenders


def _input_grad(layer: Layer, algorithm: str) -> dict[str, Contender]:
    x, weight, dy = _arrays(layer)
    module, operation = ALGORITHMS[algorithm], Operation(BATCH)
    module.conv2d_input_grad(
        operation.builder, operation.resident(layer.y_shape),
        operation.resident(layer.x_shape, module.halo(layer.window)),
        operation.weight(weight, layer.weight_shape, layer.groups), layer.window)
    few = dy[:NUMPY_IMAGES]
    shape = (len(few), *layer.x_shape)
    contenders = {
        FASTCONV: Contender(operation.prepare(), BATCH),
        NUMPY: Contender(lambda: reference.conv2d_input_grad(
            few, weight, shape, padding=layer.padding, groups=layer.groups), len(few))}
    return contenders | _torch_grad(layer, x, weight, dy, (True, False, False))


def _weight_grad(layer: Layer, algorithm: str) -> dict[str, Contender]:
    x, weight, dy = _arrays(layer)
    module, operation = ALGORITHMS[algorithm], Operation(BATCH)
    halo = layer.window.padding if layer.in_channels == 1 else module.halo(layer.window)
    module.conv2d_weight_grad(
        operation.builder, operation.resident(layer.x_shape, halo), operation.resident(layer.y_shape),
        operation.weight(weight, layer.weight_shape, layer.groups, trainable=True), layer.window)
    few, few_grads = x[:NUMPY_IMAGES], dy[:NUMPY_IMAGES]
    contenders = {
        FASTCONV: Contender(operation.prepare(), BATCH),
        NUMPY: Contender(lambda: reference.conv2d_weight_grad(
            few, few_grads, layer.kernel, padding=layer.padding, groups=layer.groups), len(few))}
    return contenders | _torch_grad(layer, x, weight, dy, (False, True, False))


def _torch_grad(layer: Layer, x: np.ndarray, weight: np.ndarray, dy: np.ndarray,
                wanted: tuple[bool, bool, bool]) -> dict[str, Contender]:
    torch = peers.torch()
    if torch is None:
        return {}

    def run(*arrays: Any) -> Callable[[], object]:
        images, kernel, grads = arrays
        return lambda: torch.ops.aten.convolution_backward(
            grads, images, kernel, [layer.out_channels], [1, 1], [layer.padding] * 2, [1, 1], False, [0, 0],
            layer.groups, wanted)

    three = [torch.from_numpy(array) for array in (x, weight, dy)]
    return {PYTORCH: Contender(run(*three), BATCH),
            CHANNELS_LAST: Contender(run(*_channels_last(torch, *three)), BATCH)}


def _channels_last(torch: Any, *tensors: Any) -> list[Any]:
    return [tensor.contiguous(memory_format=torch.channels_last) for tensor in tensors]
