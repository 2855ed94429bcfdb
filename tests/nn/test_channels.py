"""The layers of channels: what they make, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import nn
from fastconv.errors import ShapeError
from fastconv.nn.fusion import ShuffledConcat, fused
from tests.networks import BATCH_SIZES, normal
from tests.oracles import assert_close

every_batch = pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])


@every_batch
def test_concat_is_the_channels_one_after_the_other(batch):
    model = nn.Graph([("relu", nn.ReLU(), "input"), ("both", nn.Concat(), ("relu", "input", "relu"))])
    x = normal(0, batch, 3, 4, 5)
    relu = np.maximum(x, 0)
    np.testing.assert_array_equal(model(x), np.concatenate([relu, x, relu], axis=1))


def test_features_of_images_of_different_sizes_are_put_together_too():
    model = nn.Graph([("pool", nn.MaxPool2d(2), "input"), ("a", nn.Flatten(), "input"), ("b", nn.Flatten(), "pool"),
                      ("fc", nn.Linear(30, 7), "a"), ("all", nn.Concat(), ("b", "a", "fc"))])
    x = normal(0, 17, 1, 5, 6)
    pooled, flat = x[:, :, :4].reshape(17, 1, 2, 2, 3, 2).max(axis=(3, 5)), x.reshape(17, -1)
    state = model.state_dict()
    expected = np.concatenate([pooled.reshape(17, -1), flat, flat @ state["fc.weight"].T + state["fc.bias"]], axis=1)
    assert_close(model(x), expected, 1e-6)


@every_batch
def test_narrow_is_some_of_the_channels(batch):
    x = normal(0, batch, 5, 4, 5)
    np.testing.assert_array_equal(nn.Narrow(1, 3)(x), x[:, 1:4])


def test_what_works_in_place_leaves_the_channels_it_reads_alone():
    model = nn.Graph([("conv", nn.Conv2d(2, 4, 1), "input"), ("some", nn.Narrow(1, 2), "conv"),
                      ("relu", nn.ReLU(), "some"), ("both", nn.Concat(), ("conv", "relu"))])
    y = model(normal(0, 17, 2, 3, 3))
    np.testing.assert_array_equal(y[:, 4:], np.maximum(y[:, 1:3], 0))
    assert y.min() < 0


def test_a_shuffle_behind_a_concat_is_done_with_it():
    shuffle = nn.ChannelShuffle(2)
    model = nn.Graph([("relu", nn.ReLU(), "input"), ("both", nn.Concat(), ("relu", "input")),
                      ("shuffle", shuffle, "both")])
    assert fused(model.expansion(), training=True)[-1].does == ShuffledConcat(shuffle)
    x = normal(0, 17, 3, 4, 5)
    expected = np.stack([np.maximum(x, 0), x], axis=2).reshape(17, 6, 4, 5)
    np.testing.assert_array_equal(model(x), expected)


@pytest.mark.parametrize(("layer", "shapes", "message"), [
    (nn.Concat(), [(5, 2, 3, 3), (5, 2, 3, 4)],
     r"inputs that differ in their channels only, got \(5, 2, 3, 3\), \(5, 2, 3, 4\)"),
    (nn.Concat(), [(5, 2, 3, 3), (5, 18)], "inputs that differ in their channels only"),
    (nn.Narrow(2, 3), [(5, 4, 3, 3)], r"expected at least 5 channels, got \(5, 4, 3, 3\)"),
    (nn.Narrow(0, 1), [(5, 4)], r"expected \(N, C, H, W\), got \(5, 4\)"),
    (nn.ChannelShuffle(3), [(5, 4, 3, 3)], r"expected channels in 3 groups of one size, got \(5, 4, 3, 3\)"),
    (nn.ChannelShuffle(2), [(5, 4)], r"expected \(N, C, H, W\), got \(5, 4\)"),
])
def test_inputs_that_do_not_fit_are_refused(layer, shapes, message):
    with pytest.raises(ShapeError, match=message):
        layer.output_shape(*shapes)


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: nn.Narrow(-1, 2), ValueError, "start must be at least 0, got -1"),
    (lambda: nn.Narrow(0, 0), ValueError, "length must be at least 1, got 0"),
    (lambda: nn.ChannelShuffle(0), ValueError, "groups must be at least 1, got 0"),
    (lambda: nn.ChannelShuffle(2.0), TypeError, "groups must be an integer"),
])
def test_arguments_that_make_no_layer_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
