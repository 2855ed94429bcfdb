"""Networks of MLPerf Tiny: a training step from uint8 images on, and inference from float32 images to logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import fastconv as fc
from fastconv import nn
from fastconv_bench import peers
from fastconv_bench.arithmetic import multiply_adds
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
        layers = _flop(network)
        training = 3 * sum(layers) - layers[0]  # the first layer's input needs no gradient
        yield Workload(f"{network.name} training step, batch {TRAINING_BATCH}", TRAINING_BATCH,
                       partial(_training, network), flop=TRAINING_BATCH * training)
        for batch in INFERENCE_BATCHES:
            yield Workload(f"{network.name} inference, batch {batch}", batch, partial(_inference, network, batch),
                           flop=batch * sum(layers))


def _flop(network: Network) -> list[float]:
    """Floating-point operations of each layer that has any, on one image."""
    expansion = network.make().expansion()
    shapes = expansion.shapes((1, *network.image))
    each = (2 * multiply_adds(node.layer, shapes[node.inputs[0]]) for node in expansion.nodes)
    return [flop for flop in each if flop]


def _training(network: Network) -> dict[str, Contender]:
    images, labels = network.images(TRAINING_BATCH)
    trainer = fc.Trainer(network.make(), fc.optim.AdamW(lr=LR))
    contenders = {FASTCONV: Contender(lambda: trainer.step(images, labels), TRAINING_BATCH)}
    torch = peers.torch()
    if torch:
        for name, layout in ((PYTORCH, torch.contiguous_format), (CHANNELS_LAST, torch.channels_last)):
            modules, forward = torch_network(torch, layout, network.make())
            contenders[name] = Contender(
                peers.torch_step(modules, forward, layout, images, labels, LR, 1 / 255), TRAINING_BATCH)
    return contenders


def _inference(network: Network, batch: int) -> dict[str, Contender]:
    images, _ = network.images(batch)
    x, model = images / np.float32(255), network.make()
    contenders = {FASTCONV: Contender(lambda: model(x), batch)}
    torch = peers.torch()
    if torch:
        for name, layout in ((PYTORCH, torch.contiguous_format), (CHANNELS_LAST, torch.channels_last)):
            modules, forward = torch_network(torch, layout, network.make())
            contenders[name] = Contender(peers.torch_inference(modules, forward, layout, x), batch)
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
