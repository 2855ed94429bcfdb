"""Sessions: batch after batch without new memory, always with the newest weights."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn, optim
from fastconv.engine.builder import PACK, RUN, Builder
from fastconv.engine.operators import Window, conv2d
from fastconv.engine.parameter import Parameter
from fastconv.engine.session import Session
from fastconv.kernels.abi import IMAGES, STOP
from fastconv.nn.sessions import LossSession
from tests.networks import normal, pixels, small_network

BATCH, STEPS = 128, 50
FEW_BYTES = 10_000  # a batch of float32 images would be 400 kB, one activation of LeNet-5's more than 2 MB

LENET_IMAGES, LENET_LABELS = pixels(0, BATCH, 1, 28, 28), np.arange(BATCH) % 10
X, LABELS = normal(0, 40, 1, 6, 6), np.arange(40) % 3


def most_taken(call: Callable[[], object]) -> int:
    """The most bytes that any of many calls takes while it runs; asserts that none keeps an array."""
    for _ in range(3):
        call()
    most = 0
    tracemalloc.start()
    try:
        call()
        arrays = array_bytes()
        for _ in range(STEPS):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            call()
            most = max(most, tracemalloc.get_traced_memory()[1] - before)
        assert array_bytes() <= arrays
        return most
    finally:
        tracemalloc.stop()


def array_bytes() -> int:
    """The traced bytes that NumPy's arrays hold."""
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([arrays]).traces)


def doubler() -> tuple[Session, Parameter]:
    """A 1×1 convolution of images 1×2×2, and its weight, 2."""
    builder, parameter = Builder(), Parameter((1, 1, 1, 1))
    parameter.set(np.full((1, 1, 1, 1), 2))
    image = builder.array((1, 2, 2), IMAGES)
    builder.output(conv2d(builder, image, builder.weight(parameter, (1, 1, 1, 1)), None, Window((1, 1))))
    return Session(builder), parameter


def results(session: Session, x: np.ndarray, indices: np.ndarray | None = None) -> np.ndarray:
    y = np.full((len(x) if indices is None else len(indices), *x.shape[1:]), np.nan, np.float32)
    session.run(len(y), x, indices, results=y)
    return y


@pytest.fixture
def packings(monkeypatch) -> Callable[[Session], list[str]]:
    """Writes down with which phase a session's program begins from now on."""

    def follow(session: Session) -> list[str]:
        begun, run = [], session.program.run
        monkeypatch.setattr(session.program, "run", lambda images, first: (begun.append(first), run(images, first)))
        return begun

    return follow


# --- Memory ---


def test_a_training_session_takes_no_memory_after_its_first_batch():
    model = fc.models.lenet5()
    session = LossSession(model, nn.CrossEntropyLoss(), LENET_IMAGES.shape, np.uint8, BATCH, training=True)
    assert most_taken(lambda: session.run(BATCH, LENET_IMAGES, targets=LENET_LABELS)) < FEW_BYTES


@pytest.mark.parametrize("optimizer", [optim.SGD(0.01, momentum=0.9), optim.AdamW()], ids=["SGD", "AdamW"])
@pytest.mark.parametrize("images", [LENET_IMAGES, normal(0, BATCH, 1, 28, 28)], ids=["uint8", "float32"])
def test_training_steps_take_no_memory_after_the_first(optimizer, images):
    trainer = fc.Trainer(fc.models.lenet5(), optimizer)
    assert most_taken(lambda: trainer.step(images, LENET_LABELS)) < FEW_BYTES


def test_inference_takes_no_memory_but_its_results():
    model = fc.models.lenet5()
    assert most_taken(lambda: model(LENET_IMAGES)) < FEW_BYTES + 4 * BATCH * 10


# --- Batches ---


@pytest.mark.parametrize("images", [1, 16, 17, 40])
def test_the_first_images_are_run_in_order(images):
    session, _ = doubler()
    x = normal(0, 40, 1, 2, 2)
    np.testing.assert_array_equal(results(session, x[:images]), 2 * x[:images])


def test_images_are_run_in_the_order_of_the_indices():
    session, _ = doubler()
    x, indices = normal(0, 40, 1, 2, 2), np.array([39, 0, 0, 17, *range(20)])
    np.testing.assert_array_equal(results(session, x, indices), 2 * x[indices])


def test_a_smaller_batch_writes_nothing_behind_its_results():
    session, _ = doubler()
    results(session, normal(0, 40, 1, 2, 2))
    y = np.full((40, 1, 2, 2), np.nan, np.float32)
    session.run(17, normal(1, 17, 1, 2, 2), results=y)
    assert np.isnan(y[17:]).all()
    assert not np.isnan(y[:17]).any()


# --- Weights ---


def test_weights_are_packed_before_the_first_batch_and_again_only_when_they_have_changed(packings):
    session, parameter = doubler()
    x, begun = normal(0, 3, 1, 2, 2), packings(session)
    results(session, x)
    results(session, x)
    assert begun == [PACK, RUN]
    parameter.set(np.full((1, 1, 1, 1), 4))
    np.testing.assert_array_equal(results(session, x), 4 * x)
    results(session, x)
    assert begun[2:] == [PACK, RUN]


def test_training_packs_its_new_weights_by_itself(packings):
    model = small_network()
    trainer = fc.Trainer(model, optim.SGD(0.1))
    with trainer._session(X, len(X)) as session:
        begun = packings(session)
    for _ in range(3):
        trainer.step(X, LABELS)
    assert begun == [PACK, RUN, RUN]


def test_weights_changed_after_a_stopped_batch_are_packed_before_the_next():
    session, parameter = doubler()
    x = normal(0, 3, 1, 2, 2)
    results(session, x)
    session.program.batch[STOP] = 1  # as the kernel of a loss that is no finite number leaves it
    parameter.set(np.full((1, 1, 1, 1), 4))
    np.testing.assert_array_equal(results(session, x), 4 * x)
