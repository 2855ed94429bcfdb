"""LeNet-5: a training step from uint8 images on, and inference from float32 images to logits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import fastconv as fc
from fastconv.nn.summary import summarize
from fastconv_bench import convolution, peers
from fastconv_bench.numpy_lenet import NumpyLeNet
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

TRAINING_BATCHES = (32, 128, 512)
INFERENCE_BATCHES = (1, 32, 256)
LR = 1e-3
IMAGE = 1, 28, 28


def workloads() -> Iterator[Workload]:
    conv1, conv2 = (layer.flop for layer in convolution.LAYERS[:2])
    linear = 2.0 * sum(layer.multiply_adds for layer in summarize(fc.models.lenet5(), IMAGE)
                       if layer.layer.startswith("Linear"))
    forward = conv1 + conv2 + linear
    training = 3 * forward - conv1  # the first layer's input needs no gradient
    for batch in TRAINING_BATCHES:
        yield Workload(f"LeNet-5 training step, batch {batch}", batch, partial(_training, batch), flop=batch * training)
    for batch in INFERENCE_BATCHES:
        yield Workload(f"LeNet-5 inference, batch {batch}", batch, partial(_inference, batch), flop=batch * forward)


def _images(batch: int) -> tuple[fc.data.Dataset, np.ndarray, np.ndarray]:
    """The training set, and its first images uint8 with their labels."""
    train, _ = fc.data.digits()
    return train, np.ascontiguousarray(train.images[:batch]), train.labels[:batch].copy()


def _prepared(train: fc.data.Dataset, images: np.ndarray) -> np.ndarray:
    return (images / np.float32(255) - train.mean[:, None, None]) / train.std[:, None, None]


def _training(batch: int) -> dict[str, Contender]:
    train, images, labels = _images(batch)
    model = fc.models.lenet5()
    model.set_images(train.mean, train.std)
    trainer = fc.Trainer(model, fc.optim.AdamW(lr=LR))
    few, few_labels = images[:NUMPY_IMAGES], labels[:NUMPY_IMAGES]
    plain = NumpyLeNet(model.state_dict())
    contenders = {
        FASTCONV: Contender(lambda: trainer.step(images, labels), batch),
        NUMPY: Contender(lambda: plain.step(_prepared(train, few), few_labels, LR), len(few))}
    torch = peers.torch()
    if torch:
        for name, layout in ((PYTORCH, torch.contiguous_format), (CHANNELS_LAST, torch.channels_last)):
            twin = torch_lenet5(torch).to(memory_format=layout)
            scale, shift = 1 / (255 * float(train.std[0])), float(train.mean[0] / train.std[0])
            contenders[name] = Contender(
                peers.torch_step(twin, twin, layout, images, labels, LR, scale, shift), batch)
    return contenders


def _inference(batch: int) -> dict[str, Contender]:
    train, images, _ = _images(batch)
    x = _prepared(train, images)
    model = fc.models.lenet5()
    plain, few = NumpyLeNet(model.state_dict()), x[:NUMPY_IMAGES]
    contenders = {FASTCONV: Contender(lambda: model(x), batch), NUMPY: Contender(lambda: plain.forward(few), len(few))}
    torch = peers.torch()
    if torch:
        for name, layout in ((PYTORCH, torch.contiguous_format), (CHANNELS_LAST, torch.channels_last)):
            twin = torch_lenet5(torch).to(memory_format=layout)
            contenders[name] = Contender(peers.torch_inference(twin, twin, layout, x), batch)
    if peers.has_onnx_runtime():
        contenders[ONNX_RUNTIME] = Contender(peers.onnx_session(model, x), batch)
    return contenders


def torch_lenet5(torch: Any) -> Any:
    """PyTorch's LeNet-5, with the same names in its state dict."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10))
