"""The augmented images of the reference, beside SciPy, PyTorch and what can be said without them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.data import Augmentation
from fastconv.reference import augmentation as reference
from tests.strategies import images, seeds

ONE, ZERO = np.ones(1), np.zeros(1)


def test_keys_are_those_of_splitmix64():
    """The first outputs for the seed 1234567, as published with the algorithm."""
    assert [reference.key_of(1234567, i) for i in range(3)] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(seeds, st.integers(1, 3), images((2, 2), 9))
def test_sampling_is_pytorchs_grid_sample(seed, channels, size):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    image, x, y = rng.normal(size=(channels, *size)), *rng.uniform(-3, 12, (2, 5, 6))
    height, width = size
    grid = np.stack([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], axis=-1)
    expected = torch.nn.functional.grid_sample(torch.from_numpy(image)[None], torch.from_numpy(grid)[None],
                                               mode="bilinear", padding_mode="zeros", align_corners=True)[0].numpy()
    np.testing.assert_allclose(reference.sample(image, x, y), expected, atol=1e-9)


@given(seeds, images((1, 1), 30), st.floats(0.5, 6))
def test_an_elastic_field_is_scipys_b_spline_with_noise_for_coefficients(seed, size, sigma):
    interpolate = pytest.importorskip("scipy.interpolate")
    spacing = math.sqrt(3) * sigma
    high, wide = (math.floor((pixels - 1) / spacing) + 4 for pixels in size)
    coefficients = np.array([reference.noise(seed, i) for i in range(high * wide)]).reshape(high, wide, 2)
    splines = interpolate.NdBSpline((np.arange(-3.0, high + 1), np.arange(-3.0, wide + 1)), coefficients, k=3)
    expected = splines(np.moveaxis(np.mgrid[:size[0], :size[1]] / spacing, 0, -1))
    found = reference.displacement(Augmentation(elastic=34, elastic_sigma=sigma), seed, *size)
    scale = 34 * 315 / 151 / (2 * math.sqrt(math.pi) * sigma)
    np.testing.assert_allclose(found, scale * np.moveaxis(expected, -1, 0), atol=1e-9)


@pytest.mark.parametrize("sigma", [2.0, 4.0])
def test_an_elastic_field_moves_pixels_as_noise_that_a_gaussian_has_smoothed(sigma):
    """As far, and pixels near each other alike: the correlation at a distance d is exp(-d² / (4 σ²))."""
    augmentation = Augmentation(elastic=34, elastic_sigma=sigma)
    fields = np.array([reference.displacement(augmentation, key, 24, 24) for key in range(0, 400_000, 1000)])
    power = np.mean(fields**2)
    assert math.sqrt(power) == pytest.approx(34 / (math.sqrt(12 * math.pi) * sigma), rel=0.03)
    for distance in range(1, 13):
        expected = math.exp(-(distance / (2 * sigma)) ** 2)
        for near, far in ((fields[..., :-distance], fields[..., distance:]),
                          (fields[..., :-distance, :], fields[..., distance:, :])):
            assert np.mean(near * far) / power == pytest.approx(expected, abs=0.06)


def test_the_bumps_of_an_elastic_field_have_the_standard_deviation_sigma():
    x = np.linspace(-2, 2, 4001)
    values = reference.bump(x)
    assert values.sum() / 1000 == pytest.approx(1)
    assert math.sqrt((x**2 * values).sum() / values.sum()) * Augmentation(elastic_sigma=4).spline_spacing == (
        pytest.approx(4, rel=1e-5))


def test_random_numbers_are_uniform_and_independent_from_one_counter_to_the_next():
    noise = np.array([reference.noise(12345, i) for i in range(20_000)]).T
    uniform = np.array([reference.uniform(12345, i) for i in range(20_000)])
    assert abs(np.corrcoef(noise)[0, 1]) < 0.03
    for values, low in ((uniform, 0), *((each, -1) for each in noise)):
        assert low <= values.min() < low + 0.001
        assert 0.999 < values.max() < 1
        counts, _ = np.histogram(values, 20, (low, 1))
        assert abs(counts - 1000).max() < 150
        assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.03


@pytest.mark.parametrize("alpha", [0.1, 0.4, 1.0])
def test_shares_of_mixup_are_beta_distributed_and_partners_uniform(alpha):
    stats = pytest.importorskip("scipy.stats")
    drawn = [reference.mixture(10, alpha, key) for key in range(1, 4000)]
    partners, shares = np.array(drawn).T
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert stats.chisquare(np.bincount(partners.astype(int), minlength=10)).pvalue > 1e-3


@pytest.mark.parametrize(("augmentation", "moved"), [
    (Augmentation(flip=1), lambda image: image[:, ::-1]),
    (Augmentation(rotate=180), None),
])
def test_simple_changes_are_what_they_are_called(augmentation, moved):
    image = np.random.default_rng(0).normal(size=(1, 1, 6, 7))
    found, _, _ = reference.augment(image, np.array([0]), augmentation, 5, ONE, ZERO)
    if moved is not None:
        np.testing.assert_allclose(found[0, 0], moved(image[0, 0]), atol=1e-12)
    else:
        assert not np.allclose(found, image)


def test_a_magnified_square_grows_about_the_centre():
    image = np.zeros((1, 1, 21, 21))
    image[0, 0, 8:13, 8:13] = 1
    found, _, _ = reference.augment(image, np.array([0]), Augmentation(scale=(2, 2)), 5, ONE, ZERO)
    assert found.sum() == pytest.approx(4 * 25, rel=0.05)
    np.testing.assert_allclose(found[0, 0], found[0, 0, ::-1, ::-1], atol=1e-12)
