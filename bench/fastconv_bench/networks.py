"""Networks of MLPerf Tiny: a training step from uint8 images on, and inference from float32 images to logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import fastconv as fc
from fastconv import nn
from fastconv.engine.operators import Window
from fastconv.engine.operators.window import forward_taps
from fastconv_bench import peers
from fastconv_bench.workload import CHANNELS_LAST, FASTCONV, ONNX_RUNTIME, PYTORCH, Contender, Workload

TRAINING_BATCH = 64
INFERENCE_BATCHES = (1, 32)
LR = 1e-3


@dataclass(frozen=True)
class Network:
    name: str
    make: Callable[[], nn.Layer]
    image: tuple[int, int, int]
    classes: int

    def images(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """uint8 images and labels."""
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (batch, *self.image), np.uint8), rng.integers(0, self.classes, batch)


NETWORKS = (Network("resnet8", fc.models.resnet8, (3, 32, 32), 10),
            Network("ds_cnn", fc.models.ds_cnn, (1, 49, 10), 12))


def workloads() -> Iterator[Workload]:
    for network in NETWORKS:
        layers = list(_flop(network))
        training = 3 * sum(layers) - layers[0]  # the first layer's input needs no gradient
        yield Workload(f"{network.name} training step, batch {TRAINING_BATCH}", TRAINING_BATCH,
                       partial(_training, network), flop=TRAINING_BATCH * training)
        for batch in INFERENCE_BATCHES:
            yield Workload(f"{network.name} inference, batch {batch}", batch, partial(_inference, network, batch),
                           flop=batch * sum(layers))


def _flop(network: Network) -> Iterator[float]:
    """Floating-point operations of each convolution and linear layer on one image; taps in the padding do not count."""
    expansion = network.make().expansion()
    shapes = expansion.shapes((1, *network.image))
    for node, shape in zip(expansion.nodes, shapes[1:], strict=True):
        layer = node.layer
        if isinstance(layer, nn.Conv2d):
            window = Window(layer.kernel_size, layer.stride, layer.padding, layer.dilation)
            source = shapes[node.inputs[0]]
            taps = math.prod(float(forward_taps(window, axis, source[2 + axis], shape[2 + axis]).table[:, 1].sum())
                             for axis in (0, 1))
            yield 2.0 * layer.out_channels * (layer.in_channels // layer.groups) * taps
        elif isinstance(layer, nn.Linear):
            yield 2.0 * layer.multiply_adds(shape)


def _training(network: Network) -> dict[str, Contender]:
    images, labels = network.images(TRAINING_BATCH)
    trainer = fc.Trainer(network.make(), fc.optim.AdamW(lr=LR))
    contenders = {FASTCONV: Contender(lambda: trainer.step(images, labels), TRAINING_BATCH)}
    torch = peers.torch()
    if torch:
        for name, layout in ((PYTORCH, torch.contiguous_format), (CHANNELS_LAST, torch.channels_last)):
            contenders[name] = Contender(_torch_step(torch, layout, network, images, labels), TRAINING_BATCH)
    return contenders


def _inference(network: Network, batch: int) -> dict[str, Contender]:
    images, _ = network.images(batch)
    x, model = images / np.float32(255), network.make()
    contenders = {FASTCONV: Contender(lambda: model(x), batch)}
    torch = peers.torch()
    if torch:
        for name, layout in ((PYTORCH, torch.contiguous_format), (CHANNELS_LAST, torch.channels_last)):
            contenders[name] = Contender(_torch_inference(torch, layout, network, x), batch)
    if peers.has_onnx_runtime():
        contenders[ONNX_RUNTIME] = Contender(peers.onnx_session(model, x), batch)
    return contenders


def torch_network(torch: Any, layout: Any, model: nn.Layer) -> tuple[Any, Callable[[Any], Any]]:
    """PyTorch's modules of a network's layers, and what calls them in the network's order."""
    expansion = model.expansion()
    modules = torch.nn.ModuleList(_torch_layer(torch, node.layer) for node in expansion.nodes).to(memory_format=layout)

    def forward(x: Any) -> Any:
        made = [x]
        for node, module in zip(expansion.nodes, modules, strict=True):
            values = [made[value] for value in node.inputs]
            made.append(values[0] + values[1] if isinstance(node.layer, nn.Add) else module(*values))
        return made[expansion.output]

    return modules, forward


def _torch_layer(torch: Any, layer: nn.Layer) -> Any:
    """The same layer; the four paddings of a Conv2d become those of its input."""
    if isinstance(layer, nn.Add):
        return torch.nn.Identity()
    if isinstance(layer, nn.ReLU):
        return torch.nn.ReLU(inplace=True)
    if isinstance(layer, nn.Conv2d) and len(set(layer.padding)) > 1:
        top, bottom, left, right = layer.padding
        return torch.nn.Sequential(torch.nn.ZeroPad2d((left, right, top, bottom)),
                                   torch.nn.Conv2d(**{**layer.config, "padding": 0}))
    return getattr(torch.nn, type(layer).__name__)(**layer.config)


def _torch_step(torch: Any, layout: Any, network: Network, images: np.ndarray,
                labels: np.ndarray) -> Callable[[], object]:
    modules, forward = torch_network(torch, layout, network.make())
    optimizer = torch.optim.AdamW(modules.parameters(), lr=LR, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    raw, targets = torch.from_numpy(images), torch.from_numpy(labels)

    def step() -> float:
        x = raw.to(torch.float32, memory_format=layout).mul_(1 / 255)
        optimizer.zero_grad()
        loss = loss_of(forward(x), targets)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def _torch_inference(torch: Any, layout: Any, network: Network, x: np.ndarray) -> Callable[[], object]:
    modules, forward = torch_network(torch, layout, network.make())
    modules.eval()

    def call() -> object:
        with torch.inference_mode():
            return forward(torch.from_numpy(x).contiguous(memory_format=layout)).numpy()

    return call
