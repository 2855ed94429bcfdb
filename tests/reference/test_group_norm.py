"""Normalisations of single images in NumPy: against their definition and central differences."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import reference
from tests.oracles import assert_close, central_difference

X = np.random.default_rng(0).normal(3, 2, (3, 4, 2, 3))
DY = np.random.default_rng(1).normal(size=X.shape)
PER_CHANNEL = np.random.default_rng(2).normal(1, 0.5, (2, 4))
PER_VALUE = np.random.default_rng(3).normal(1, 0.5, (2, *X.shape[1:]))


def group_norm(x, weight, bias):
    return reference.group_norm(x, 2, weight, bias)


def test_each_group_of_channels_has_mean_0_and_variance_1():
    groups = reference.group_norm(X, 2, eps=0).reshape(3, 2, -1)
    np.testing.assert_allclose(groups.mean(axis=2), 0, atol=1e-12)
    np.testing.assert_allclose(groups.var(axis=2), 1, atol=1e-12)


def test_each_image_has_mean_0_and_variance_1():
    images = reference.layer_norm(X, eps=0).reshape(3, -1)
    np.testing.assert_allclose(images.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(images.var(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize(("norm", "grads", "factors"), [
    (group_norm, lambda weight: reference.group_norm_grad(DY, X, 2, weight), PER_CHANNEL),
    (reference.layer_norm, lambda weight: reference.layer_norm_grad(DY, X, weight), PER_VALUE),
], ids=["group", "layer"])
def test_gradients_are_those_of_central_differences(norm, grads, factors):
    arguments = X, *factors
    for i, grad in enumerate(grads(factors[0])):
        def loss(each, i=i):
            return float((norm(*(each if j == i else other for j, other in enumerate(arguments))) * DY).sum())

        assert_close(grad, central_difference(loss, arguments[i]), 1e-7)
