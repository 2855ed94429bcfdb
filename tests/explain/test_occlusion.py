"""Occlusion maps."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import explain, nn
from fastconv.functional import softmax
from tests.networks import normal, pixels, small_network


def by_hand(model, image, label, row, col, size, value):
    """How far the probability falls when size × size pixels around one are covered."""
    covered = image.copy()
    for r in range(row - size // 2, row - size // 2 + size):
        for c in range(col - size // 2, col - size // 2 + size):
            if 0 <= r < image.shape[1] and 0 <= c < image.shape[2]:
                covered[:, r, c] = value
    return (softmax(model(image[None])) - softmax(model(covered[None])))[0, label]


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, 1), (3, 2), (4, 5)])
def test_every_value_is_what_covering_there_does(size, stride):
    model, x, labels = small_network(), normal(0, 3, 1, 6, 6), [2, 0, 1]
    maps = explain.occlusion(model, x, labels, size, stride)
    places = range(0, 6, stride)
    expected = [[[by_hand(model, image, label, row, col, size, 0.0) for col in places] for row in places]
                for image, label in zip(x, labels, strict=True)]
    np.testing.assert_allclose(maps, expected, rtol=0, atol=1e-6)


def test_uint8_images_are_covered_with_the_mean_of_what_was_trained_on():
    model, x = small_network(), pixels(0, 1, 1, 6, 6)
    model.set_images([0.4], [0.3])
    assert explain.occlusion(model, x, 1, 3)[0, 2, 4] == pytest.approx(by_hand(model, x[0], 1, 2, 4, 3, 102), abs=1e-6)
    assert explain.occlusion(model, x, 1, 3, value=7)[0, 2, 4] == pytest.approx(
        by_hand(model, x[0], 1, 2, 4, 3, 7), abs=1e-6)


def test_only_what_the_class_depends_on_shows():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 2, bias=False))
    weight = np.zeros((2, 36), np.float32)
    weight[1, 2 * 6 + 3] = 5
    model.load_state_dict({"1.weight": weight})
    (fall,) = explain.occlusion(model, np.ones((1, 1, 6, 6), np.float32), 1, 1)
    assert fall[2, 3] > 0.4
    assert np.count_nonzero(np.abs(fall) > 1e-6) == 1


def test_a_rectangle_has_two_sides():
    (fall,) = explain.occlusion(small_network(), normal(0, 1, 1, 6, 6), 1, (6, 1))
    assert fall.shape == (6, 6)
    with pytest.raises(ValueError, match="size must be at least 1"):
        explain.occlusion(small_network(), normal(0, 1, 1, 6, 6), 1, 0)
    with pytest.raises(ValueError, match="stride must be at least 1"):
        explain.occlusion(small_network(), normal(0, 1, 1, 6, 6), 1, 3, 0)
