"""The networks of MLPerf Tiny that fastconv has: training steps and inference, from float32 images to logits.

PyTorch takes part with its faster layout only, so that a quick run stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import fastconv as fc
from fastconv import nn
from fastconv.engine.operators.window import Window, forward_taps
from fastconv.nn.layer import Layer, joined
from fastconv_bench import peers
from fastconv_bench.workload import CHANNELS_LAST, FASTCONV, ONNX_RUNTIME, Contender, Workload

NETWORKS: tuple[Callable[[], Layer], ...] = fc.models.resnet8, fc.models.ds_cnn
TRAINING_BATCH, INFERENCE_BATCHES = 64, (1, 32)
LR = 1e-3


def workloads() -> Iterator[Workload]:
    for make in NETWORKS:
        name, products = make.__name__, multiply_adds(make())
        training = 2.0 * (3 * sum(products) - products[0])  # the first layer's input needs no gradient
        yield Workload(f"{name} training step, batch {TRAINING_BATCH}", TRAINING_BATCH, partial(_training, make),
                       flop=TRAINING_BATCH * training)
        for batch in INFERENCE_BATCHES:
            yield Workload(f"{name} inference, batch {batch}", batch, partial(_inference, make, batch),
                           flop=2.0 * batch * sum(products))


def multiply_adds(model: Layer) -> list[int]:
    """Of each layer for one image; taps in the padding do not count."""
    network, (_, *image) = model.expansion(), _shape(model, 1)
    shapes, counts = network.shapes((1, *image)), []
    for value, node in enumerate(network.nodes, 1):
        layer, count = node.layer, node.layer.multiply_adds(shapes[value])
        if isinstance(layer, nn.Conv2d):
            window = Window(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
            taps = [forward_taps(window, axis, shapes[node.inputs[0]][2 + axis], shapes[value][2 + axis]).table[:, 1]
                    for axis in (0, 1)]
            count = int(taps[0].sum() * taps[1].sum()) * layer.out_channels * layer.in_channels // layer.groups
        counts.append(count)
    return counts


def _shape(model: Layer, batch: int) -> tuple[int, ...]:
    assert model.input_shape is not None
    return batch, *model.input_shape


def _images(model: Layer, batch: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(_shape(model, batch), np.float32)


def _training(make: Callable[[], Layer]) -> dict[str, Contender]:
    model = make()
    x = _images(model, TRAINING_BATCH)
    labels = np.arange(TRAINING_BATCH) % 10
    trainer = fc.Trainer(model, fc.optim.AdamW(lr=LR))
    contenders = {FASTCONV: Contender(lambda: trainer.step(x, labels), TRAINING_BATCH)}
    torch = peers.torch()
    if torch:
        contenders[CHANNELS_LAST] = Contender(_torch_step(torch, make(), x, labels), TRAINING_BATCH)
    return contenders


def _inference(make: Callable[[], Layer], batch: int) -> dict[str, Contender]:
    model = make()
    x = _images(model, batch)
    contenders = {FASTCONV: Contender(lambda: model(x), batch)}
    torch = peers.torch()
    if torch:
        contenders[CHANNELS_LAST] = Contender(_torch_inference(torch, model, x), batch)
    if peers.has_onnx_runtime():
        contenders[ONNX_RUNTIME] = Contender(peers.onnx_graph(onnx_nodes(model), model.state_dict(), x), batch)
    return contenders


class TorchNetwork:
    """The network in PyTorch, with the model's weights.

    modules: a torch.nn.ModuleList of the layers, each of which does what a node of the model does.
    """

    def __init__(self, torch: Any, model: Layer) -> None:
        self._torch, self._network, state = torch, model.expansion(), model.state_dict()
        self.modules = torch.nn.ModuleList(_torch_layer(torch, node.layer) for node in self._network.nodes)
        for node, module in zip(self._network.nodes, self.modules, strict=True):
            module.load_state_dict({
                name: torch.from_numpy(state[joined(node.name, name)]) for name in module.state_dict()})

    def __call__(self, x: Any) -> Any:
        made = [x]
        for node, module in zip(self._network.nodes, self.modules, strict=True):
            inputs = [made[value] for value in node.inputs]
            if isinstance(node.layer, nn.Conv2d):
                top, bottom, left, right = node.layer.padding
                if (top, left) != (bottom, right):
                    inputs = [self._torch.nn.functional.pad(*inputs, (left, right, top, bottom))]
            made.append(inputs[0] + inputs[1] if isinstance(node.layer, nn.Add) else module(*inputs))
        return made[self._network.output]


def _torch_layer(torch: Any, layer: Layer) -> Any:
    match layer:
        case nn.Conv2d():
            top, bottom, left, right = layer.padding
            padding = (top, left) if (top, left) == (bottom, right) else 0
            return torch.nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, padding,
                                   groups=layer.groups, bias=layer.bias is not None)
        case nn.BatchNorm2d():
            return torch.nn.BatchNorm2d(layer.num_features)
        case nn.Linear():
            return torch.nn.Linear(layer.in_features, layer.out_features)
        case nn.AdaptiveAvgPool2d():
            return torch.nn.AdaptiveAvgPool2d(layer.output_size)
        case nn.ReLU():
            return torch.nn.ReLU()
        case nn.Flatten():
            return torch.nn.Flatten()
    return torch.nn.Identity()


def _torch_step(torch: Any, model: Layer, images: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    network = TorchNetwork(torch, model)
    network.modules.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.modules.parameters(), lr=LR, fused=True)
    loss_of, targets = torch.nn.CrossEntropyLoss(), torch.from_numpy(labels)

    def step() -> float:
        x = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        optimizer.zero_grad()
        loss = loss_of(network(x), targets)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def _torch_inference(torch: Any, model: Layer, x: np.ndarray) -> Callable[[], object]:
    network = TorchNetwork(torch, model)
    network.modules.to(memory_format=torch.channels_last).eval()

    def call() -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(x).contiguous(memory_format=torch.channels_last)).numpy()

    return call


def onnx_nodes(model: Layer) -> list[peers.OnnxNode]:
    """The network as nodes of ONNX, with weights by their names in the state dict."""
    network, nodes = model.expansion(), []
    for value, node in enumerate(network.nodes, 1):
        operator, weights, attributes = _onnx_layer(node.layer)
        names = [joined(node.name, name) for name in weights if joined(node.name, name) in model.state_dict()]
        nodes.append((operator, [f"value{each}" for each in node.inputs] + names, f"value{value}", attributes))
    return nodes


def _onnx_layer(layer: Layer) -> tuple[str, list[str], dict[str, Any]]:
    match layer:
        case nn.Conv2d():
            top, bottom, left, right = layer.padding
            return "Conv", ["weight", "bias"], {
                "pads": [top, left, bottom, right], "strides": list(layer.stride), "group": layer.groups}
        case nn.BatchNorm2d():
            return "BatchNormalization", ["weight", "bias", "running_mean", "running_var"], {"epsilon": layer.eps}
        case nn.Linear():
            return "Gemm", ["weight", "bias"], {"transB": 1}
        case nn.AdaptiveAvgPool2d():
            return "GlobalAveragePool", [], {}
        case nn.ReLU():
            return "Relu", [], {}
        case nn.Add():
            return "Add", [], {}
    return "Flatten", [], {}
