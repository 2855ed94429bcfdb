import numpy as np
import pytest

from fastconv import reference
from fastconv.infer.special import normal_cdf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_normal_distribution_is_the_references_to_three_parts_in_ten_million(dtype):
    x = np.linspace(-8, 8, 4001, dtype=dtype)
    np.testing.assert_allclose(normal_cdf(x), reference.activation.normal_cdf(x), rtol=0, atol=3e-7)


def test_nan_and_infinity_are_what_they_should_be():
    np.testing.assert_array_equal(normal_cdf(np.array([-np.inf, np.inf, np.nan])), [0, 1, np.nan])
