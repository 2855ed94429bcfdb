"""Pooling and a linear layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastconv import reference
from fastconv.engine.operators import Window, convolution, pooling
from fastconv_bench import peers
from fastconv_bench.operation import Operation
from fastconv_bench.workload import FASTCONV, NUMPY, NUMPY_IMAGES, PYTORCH, Contender, Workload

BATCH = 128
CHANNELS, SIZE, WINDOW = 6, 28, Window((2, 2), (2, 2))
IN_FEATURES, OUT_FEATURES = 400, 120


def workloads() -> Iterator[Workload]:
    pixels = BATCH * CHANNELS * SIZE * SIZE
    yield Workload("max pooling 6×28×28 2×2, forward", BATCH, _max_pool2d, bytes=4 * pixels * 1.25 + pixels / 4)
    yield Workload("max pooling 6×28×28 2×2, gradient", BATCH, _max_pool2d_grad, bytes=4 * pixels * 1.25 + pixels / 4)
    yield Workload("linear 400→120, forward", BATCH, _linear, flop=2 * BATCH * IN_FEATURES * OUT_FEATURES)
    yield Workload("linear 400→120, weight gradient", BATCH, _linear_grad, flop=2 * BATCH * IN_FEATURES * OUT_FEATURES)


def _images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((BATCH, CHANNELS, SIZE, SIZE), np.float32)


def _max_pool2d() -> dict[str, Contender]:
    operation = Operation(BATCH)
    operation.result(pooling.max_pool2d(operation.builder, operation.resident((CHANNELS, SIZE, SIZE)), WINDOW))
    x, torch = _images(), peers.torch()
    few = x[:NUMPY_IMAGES]
    contenders = {FASTCONV: Contender(operation.prepare(), BATCH),
                  NUMPY: Contender(lambda: reference.max_pool2d(few, 2), len(few))}
    if torch:
        images = torch.from_numpy(x)
        contenders[PYTORCH] = Contender(
            lambda: torch.nn.functional.max_pool2d(images, 2, return_indices=True), BATCH)
    return contenders


def _max_pool2d_grad() -> dict[str, Contender]:
    operation = Operation(BATCH)
    small = CHANNELS, SIZE // 2, SIZE // 2
    dy, dx = operation.resident(small), operation.resident((CHANNELS, SIZE, SIZE))
    argmax = pooling.new_argmax(dy, WINDOW)
    argmax.per_group = True
    pooling.max_pool2d_grad(operation.builder, argmax, dy, dx, WINDOW)
    x, torch = _images(), peers.torch()
    few = x[:NUMPY_IMAGES]
    y, places = reference.max_pool2d(few, 2)
    contenders = {FASTCONV: Contender(operation.prepare(), BATCH),
                  NUMPY: Contender(lambda: reference.max_pool2d_grad(y, places, few.shape), len(few))}
    if torch:
        images = torch.from_numpy(x)
        maxima, indices = torch.nn.functional.max_pool2d(images, 2, return_indices=True)
        contenders[PYTORCH] = Contender(lambda: torch.ops.aten.max_pool2d_with_indices_backward(
            maxima, images, [2, 2], [2, 2], [0, 0], [1, 1], False, indices), BATCH)
    return contenders


def _factors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, weight and dy."""
    rng = np.random.default_rng(0)
    shapes = (BATCH, IN_FEATURES), (OUT_FEATURES, IN_FEATURES), (BATCH, OUT_FEATURES)
    x, weight, dy = (rng.standard_normal(shape, np.float32) for shape in shapes)
    return x, weight, dy


def _linear() -> dict[str, Contender]:
    x, weight, _ = _factors()
    operation = Operation(BATCH)
    operation.result(convolution.linear(
        operation.builder, operation.resident((IN_FEATURES, 1, 1)),
        operation.weight(weight, (OUT_FEATURES, IN_FEATURES, 1, 1)), None))
    contenders = {FASTCONV: Contender(operation.prepare(), BATCH),
                  NUMPY: Contender(lambda: reference.linear(x, weight), BATCH)}
    torch = peers.torch()
    if torch:
        images, matrix = torch.from_numpy(x), torch.from_numpy(weight)
        contenders[PYTORCH] = Contender(lambda: torch.nn.functional.linear(images, matrix), BATCH)
    return contenders


def _linear_grad() -> dict[str, Contender]:
    x, weight, dy = _factors()
    operation = Operation(BATCH)
    convolution.conv2d_weight_grad(
        operation.builder, operation.resident((IN_FEATURES, 1, 1)), operation.resident((OUT_FEATURES, 1, 1)),
        operation.weight(weight, (OUT_FEATURES, IN_FEATURES, 1, 1), trainable=True), Window((1, 1)))
    contenders = {FASTCONV: Contender(operation.prepare(), BATCH), NUMPY: Contender(lambda: dy.T @ x, BATCH)}
    torch = peers.torch()
    if torch:
        images, grads = torch.from_numpy(x), torch.from_numpy(dy)
        contenders[PYTORCH] = Contender(lambda: grads.T @ images, BATCH)
    return contenders
