"""Dropout's masks: those of the reference to the last bit, whoever draws them, and as random as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import reference
from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.session import Session
from fastconv.kernels.abi import IMAGES
from tests.networks import BATCH_SIZES, normal

seeds, steps, streams = st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 50)
shapes = st.tuples(st.sampled_from(BATCH_SIZES[1:]), st.integers(1, 9), st.integers(1, 6), st.integers(1, 6))
probabilities = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)

both = pytest.mark.parametrize("channels", [False, True], ids=["values", "channels"])


def dropped(x, p, channels=False, stream=0, step=0, seed=0):
    builder, y = Builder(), np.empty_like(x)
    builder.output(operators.dropout(builder, builder.array(x.shape[1:], IMAGES), p, stream, channels))
    Session(builder).run(len(x), x, results=y, seed=seed, step=step)
    return y


def kept(images, values, **where):
    """Which of so many values of an image, in each of so many images, p = 0.5 keeps."""
    return dropped(np.ones((images, values, 1, 1), np.float32), 0.5, **where).reshape(images, values) > 0


@both
@given(shapes, probabilities, streams, steps, seeds)
def test_what_is_dropped_is_what_the_reference_drops(channels, shape, p, stream, step, seed):
    x = normal(0, *shape)
    expected = (reference.dropout2d if channels else reference.dropout)(x.astype(np.float64), p, stream, step, seed)
    y = dropped(x, p, channels, stream, step, seed)
    np.testing.assert_array_equal(y == 0, expected == 0)
    np.testing.assert_allclose(y, expected, rtol=3e-7)  # the scale and the product, each rounded


@both
def test_an_images_mask_is_the_same_in_any_batch(channels):
    x = normal(0, 40, 6, 3, 5)
    np.testing.assert_array_equal(dropped(x[:19], 0.4, channels), dropped(x, 0.4, channels)[:19])


@both
def test_masks_are_the_same_for_any_number_of_threads(channels, num_threads):
    x, results = normal(0, 70, 6, 3, 5), []
    for count in (1, 2, 3):
        num_threads(count)
        results.append(dropped(x, 0.4, channels))
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.8])
def test_as_many_values_are_dropped_as_the_probability_says(p):
    share = np.mean(dropped(np.ones((64, 1, 60, 60), np.float32), p) == 0)
    assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / (64 * 3600))


@pytest.mark.parametrize("other", [{"step": 1}, {"stream": 1}, {"seed": 1}, {"seed": 2**32}, {"step": 2**31}], ids=str)
def test_steps_layers_and_seeds_have_masks_of_their_own(other):
    """Two independent masks agree in half of their values, within four standard deviations."""
    assert abs(np.mean(kept(64, 3000) == kept(64, 3000, **other)) - 0.5) < 4 * 0.5 / np.sqrt(64 * 3000)


@pytest.mark.parametrize("axis", [0, 1], ids=["images", "values"])
@pytest.mark.parametrize("distance", [1, 2, 4, 16])
def test_neighbouring_images_and_values_are_dropped_independently(axis, distance):
    mask = np.moveaxis(kept(64, 3000), axis, 0)
    agree = mask[distance:] == mask[:-distance]
    assert abs(np.mean(agree) - 0.5) < 4 * 0.5 / np.sqrt(agree.size)


def test_a_channel_is_dropped_as_a_whole():
    y = dropped(np.ones((40, 12, 4, 4), np.float32), 0.5, channels=True)
    assert np.all(y == y[:, :, :1, :1])
    assert 0.4 < np.mean(y == 0) < 0.6
