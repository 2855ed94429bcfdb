"""What is said of images that a network cannot take."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import data, infer
from fastconv.errors import DtypeError
from tests.networks import small_network

LABELS = np.zeros(2, np.int64)

TAKERS = [small_network(), infer.Model(small_network()), lambda x: data.as_dataset((x, LABELS))]


@pytest.mark.parametrize("taker", TAKERS, ids=["engine", "NumPy", "data set"])
@pytest.mark.parametrize(("dtype", "advice"), [
    (np.int64, r"got int64; convert pixels from 0 to 255 with \w+\.astype\(np\.uint8\)$"),
    (np.uint16, r"got uint16; convert pixels from 0 to 255 with \w+\.astype\(np\.uint8\)$"),
    (np.float64, r"got float64; convert with \w+\.astype\(np\.float32\)$"),
    (np.float16, r"got float16; convert with \w+\.astype\(np\.float32\)$"),
    (np.bool_, "got bool$"),
    (object, "expected images uint8 .* got object, which is no array of numbers$"),
])
def test_integers_become_pixels_floats_stay_floats_and_objects_become_nothing(taker, dtype, advice):
    with pytest.raises(DtypeError, match=advice):
        taker(np.zeros((2, 1, 6, 6), dtype))


@pytest.mark.parametrize("taker", TAKERS[:2], ids=["engine", "NumPy"])
def test_what_is_no_array_is_not_to_be_converted(taker):
    with pytest.raises(DtypeError, match=r"expected images uint8 .* got object, which is no array of numbers$"):
        taker(None)
