"""The patches that excite neurons most."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import explain, models
from fastconv.errors import ShapeError
from fastconv.explain import patches
from tests.networks import normal, small_network


def test_they_are_those_a_sort_of_all_activations_finds():
    model, x = small_network(), normal(0, 40, 1, 6, 6)
    found = explain.top_patches(model, x, "1", count=5)
    maps = explain.features(model, x, "1")
    for channel in range(4):
        strongest = maps[:, channel].max(axis=(1, 2))
        assert found.images[channel].tolist() == np.argsort(-strongest, kind="stable")[:5].tolist()
        for rank, image in enumerate(found.images[channel]):
            place = found.rows[channel, rank], found.cols[channel, rank]
            assert found.values[channel, rank] == maps[image, channel][place] == strongest[image]


def test_a_patch_alone_excites_the_neuron_as_much():
    model, x = small_network(), normal(0, 40, 1, 6, 6)
    found = explain.top_patches(model, x, "0", count=2)
    for channel in range(4):
        patch = found.patch(x, channel, 1)
        assert patch.shape == (1, 3, 3)
        value = np.sum(patch[0] * model[0].weight[channel, 0]) + model[0].bias[channel]
        assert value == pytest.approx(found.values[channel, 1], rel=1e-5)


def test_many_images_are_searched_in_batches(monkeypatch):
    model, x = small_network(), normal(0, 40, 1, 6, 6)
    whole = explain.top_patches(model, x, "1")
    monkeypatch.setattr(patches, "BATCH", 7)
    parts = explain.top_patches(model, x, "1")
    for name in ("images", "rows", "cols", "values"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_fewer_images_than_asked_for_are_all_there_are():
    assert explain.top_patches(small_network(), normal(0, 3, 1, 6, 6), "1").images.shape == (4, 3)


def test_patches_at_the_edge_are_smaller():
    x = np.zeros((1, 1, 28, 28), np.float32)
    x[0, 0, 0, 0] = 9
    model = models.lenet5()
    found = explain.top_patches(model, x, "3", count=1)
    sizes = {found.patch(x, channel, 0).shape for channel in range(16)}
    assert all(1 <= height <= 14 and 1 <= width <= 14 for _, height, width in sizes)


def test_a_layer_without_maps_is_refused():
    with pytest.raises(ShapeError, match=r'expected a layer that makes maps \(N, C, H, W\), "4" makes \(2, 3\)'):
        explain.top_patches(small_network(), normal(0, 2, 1, 6, 6), "4")
