"""Augmented groups against the reference, whatever the images, the threads and their order."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import nn
from fastconv.data import Augmentation
from fastconv.engine import operators
from fastconv.engine.augmentation import epoch_key
from fastconv.engine.builder import Builder
from fastconv.engine.session import Session
from fastconv.errors import ShapeError
from fastconv.nn.sessions import LossSession
from fastconv.reference import augmentation as reference
from tests.strategies import BATCHES, images, seeds

HALOS = st.sampled_from([(0, 0, 0, 0), (2, 1, 0, 3)])
KEYS = st.integers(-2**63, 2**63 - 1)

augmentations = st.builds(
    Augmentation, shift=st.sampled_from([0, 2.5]), crop=st.sampled_from([0, 3]), flip=st.sampled_from([0, 0.5, 1]),
    rotate=st.sampled_from([0, 30, 180]), scale=st.sampled_from([(1, 1), (0.5, 1.7)]), shear=st.sampled_from([0, 20]),
    elastic=st.sampled_from([0, 12]), elastic_sigma=st.sampled_from([0.5, 2.0, 4.0]), cutout=st.sampled_from([0, 4]),
    mixup=st.sampled_from([0, 0.3, 1.0]))


def augmented(x, indices, augmentation, key, scale, shift, halo=(0, 0, 0, 0)) -> np.ndarray:
    """images[indices] as a network sees them, (N, C, H, W)."""
    builder = Builder()
    builder.output(operators.augmented(builder, augmentation, x.shape[1:], x.dtype, scale, shift, halo))
    results = np.empty((len(indices), *x.shape[1:]), np.float32)
    Session(builder).run(len(indices), x, indices, results=results, key=key)
    return results


def left_to_rounding(augmentation, indices, key) -> bool:
    """Whether a share of mixup is accepted, or is not, by less than float32 can tell."""
    keys = [reference.key_of(reference.key_of(key % 2**64, int(index)), reference.MIXTURE) for index in indices]
    return augmentation.mixup and any(
        abs(math.exp(a) + math.exp(b) - 1) < 1e-5
        for each in keys for a, b in itertools.islice(reference.attempts(augmentation.mixup, each), 8))


@given(augmentations, st.sampled_from(BATCHES), st.integers(1, 3), images((1, 1), 20), HALOS,
       st.sampled_from([np.uint8, np.float32]), KEYS, seeds)
def test_augmented_images_are_the_references(augmentation, batch, channels, size, halo, dtype, key, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (batch + 3, channels, *size)).astype(dtype)
    scale, shift = rng.normal(size=(2, channels)).astype(np.float32)
    indices = rng.permutation(len(x))[:batch]
    assume(not left_to_rounding(augmentation, indices, key))
    expected, _, _ = reference.augment(x, indices, augmentation, key, scale, shift)
    np.testing.assert_allclose(augmented(x, indices, augmentation, key, scale, shift, halo), expected, atol=0.05)


@given(st.sampled_from([np.uint8, np.float32]), KEYS, st.integers(0, 5))
def test_a_crop_is_a_window_of_the_image_with_zeros_around_bit_for_bit(dtype, key, pad):
    x = np.random.default_rng(0).integers(0, 256, (20, 2, 9, 8)).astype(dtype)
    one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
    found = augmented(x, np.arange(20), Augmentation(crop=pad), key, one, zero)
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad))).astype(np.float32)
    windows = {(top, left): padded[:, :, top:top + 9, left:left + 8]
               for top in range(2 * pad + 1) for left in range(2 * pad + 1)}
    for i in range(20):
        assert any(np.array_equal(found[i], window[i]) for window in windows.values())


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nothing_asked_for_changes_nothing(dtype):
    x = np.random.default_rng(0).integers(0, 256, (17, 3, 5, 6)).astype(dtype)
    scale, shift = np.array([0.1, 0.2, 0.3], np.float32), np.array([-1, 0, 2], np.float32)
    builder, plain = Builder(), np.empty(x.shape, np.float32)
    builder.output(builder.input(x.shape[1:], dtype, scale, shift))
    Session(builder).run(17, x, results=plain)
    np.testing.assert_array_equal(augmented(x, np.arange(17), Augmentation(), 3, scale, shift), plain)


def test_an_image_is_changed_alike_in_any_batch_and_otherwise_in_another_epoch():
    x = np.random.default_rng(0).integers(0, 256, (40, 1, 12, 12), dtype=np.uint8)
    one, zero, everything = np.ones(1, np.float32), np.zeros(1, np.float32), Augmentation(
        shift=2, rotate=20, elastic=8, elastic_sigma=2, cutout=3, mixup=0.5)
    first, second = epoch_key(3, 1), epoch_key(3, 2)
    whole = augmented(x, np.arange(40), everything, first, one, zero)
    some = np.array([31, 2, 39])
    np.testing.assert_array_equal(augmented(x, some, everything, first, one, zero), whole[some])
    other = augmented(x, np.arange(40), everything, second, one, zero)
    assert all(not np.array_equal(other[i], whole[i]) for i in range(40))


def test_any_number_of_threads_makes_the_same_bits():
    x = np.random.default_rng(0).integers(0, 256, (200, 1, 12, 12), dtype=np.uint8)
    one, zero, before, found = np.ones(1, np.float32), np.zeros(1, np.float32), fc.get_num_threads(), []
    augmentation = Augmentation(shift=2, rotate=20, elastic=8, elastic_sigma=2, cutout=3, mixup=0.5)
    try:
        for threads in (1, 2, 5):
            fc.set_num_threads(threads)
            found.append(augmented(x, np.arange(200), augmentation, 1, one, zero))
    finally:
        fc.set_num_threads(before)
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1), nn.MSELoss()])
def test_mixed_images_have_mixed_targets(loss):
    """With targets that are shares of classes, in PyTorch: the losses and the gradients."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(40, 1, 3, 4)).astype(np.float32), rng.integers(0, 5, 40)
    model, augmentation, key, indices = nn.Linear(12, 5), Augmentation(mixup=0.7), 99, rng.permutation(40)[:19]
    network = nn.Sequential(nn.Flatten(), model)
    session = LossSession(network, loss, x.shape, x.dtype, 19, training=True, augment=augmentation)
    session.run(19, x, indices, loss.targets(labels, (40, 5)), key=key)
    mixed, partners, shares = reference.augment(x, indices, augmentation, key, np.ones(1), np.zeros(1))
    one_hot = np.eye(5)
    own, other = one_hot[labels[indices]], one_hot[labels[partners]]
    targets = torch.from_numpy(shares[:, None] * own + (1 - shares)[:, None] * other)
    weight = torch.from_numpy(model.weight.astype(np.float64)).requires_grad_()
    outputs = torch.from_numpy(mixed.reshape(19, 12)) @ weight.T + torch.from_numpy(model.bias.astype(np.float64))
    if isinstance(loss, nn.MSELoss):
        expected = torch.nn.functional.mse_loss(outputs, targets)
    else:
        expected = torch.nn.functional.cross_entropy(outputs, targets, label_smoothing=loss.label_smoothing)
    expected.backward()
    assert session.mean_loss == pytest.approx(float(expected.detach()), rel=1e-5)
    found = session.gradients[network.parameters()["1.weight"]].reshape(5, 12)
    np.testing.assert_allclose(found, weight.grad.numpy(), atol=1e-6)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(label_smoothing=0.1), nn.MSELoss()])
def test_each_image_keeps_its_partner_where_groups_wait_for_each_other(loss):
    """Behind batch normalisation, on whose two sides different threads may take a group: the losses, in PyTorch."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(70, 1, 3, 4)).astype(np.float32), rng.integers(0, 5, 70)
    model, augmentation, key, indices = nn.Linear(12, 5), Augmentation(mixup=0.7), 99, rng.permutation(70)[:67]
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), model)
    session = LossSession(network, loss, x.shape, x.dtype, 67, training=True, augment=augmentation)
    session.run(67, x, indices, loss.targets(labels, (70, 5)), key=key)
    mixed, partners, shares = reference.augment(x, indices, augmentation, key, np.ones(1), np.zeros(1))
    own, other = np.eye(5)[labels[indices]], np.eye(5)[labels[partners]]
    targets = torch.from_numpy(shares[:, None] * own + (1 - shares)[:, None] * other)
    normalised = torch.nn.functional.batch_norm(torch.from_numpy(mixed).double(), None, None, training=True)
    outputs = normalised.reshape(67, 12) @ torch.from_numpy(model.weight.T.astype(np.float64))
    outputs += torch.from_numpy(model.bias.astype(np.float64))
    if isinstance(loss, nn.MSELoss):
        expected = ((outputs - targets) ** 2).mean(1)
    else:
        expected = torch.nn.functional.cross_entropy(outputs, targets, label_smoothing=loss.label_smoothing,
                                                     reduction="none")
    np.testing.assert_allclose(session.losses(67), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_images_too_large_for_float_coordinates_are_refused():
    one = np.ones(1, np.float32)
    with pytest.raises(ShapeError, match="too large to be augmented"):
        operators.augmented(Builder(), Augmentation(flip=0.5), (1, 5000, 5000), np.uint8, one, one)
