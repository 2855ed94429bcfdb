"""Batch normalisation in NumPy: against its definition and central differences."""

from __future__ import annotations

import numpy as np

from fastconv import reference
from tests.oracles import assert_close, central_difference

x = np.random.default_rng(0).normal(3, 2, (3, 2, 2, 3))
weight, bias, dy = np.array([1.5, -0.7]), np.array([0.3, 2.0]), np.random.default_rng(1).normal(size=x.shape)


def normalised(x, weight, bias):
    return reference.batch_norm(x, *reference.statistics(x), weight, bias)


def test_each_channel_has_mean_0_and_variance_1():
    y = reference.batch_norm(x, *reference.statistics(x), eps=0)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1, atol=1e-12)


def test_gradients_are_those_of_central_differences():
    actual = reference.batch_norm_grad(dy, x, weight)
    for i, grad in enumerate(actual):
        def loss(each, i=i):
            arguments = (each if j == i else other for j, other in enumerate((x, weight, bias)))
            return float((normalised(*arguments) * dy).sum())

        assert_close(grad, central_difference(loss, (x, weight, bias)[i]), 1e-7)
