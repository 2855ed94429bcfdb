"""Images become lanes, and weights what `correlate` reads: the place of each value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.engine.builder import PACK, Builder
from fastconv.engine.memory import Buffer
from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Phase, Program, new_batch_table
from fastconv.engine.session import Session
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import PackedWeight, Weight, channels_inner
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, groups_of
from tests.strategies import BATCHES, images, seeds

HALOS = st.just((0, 0, 0, 0)) | st.tuples(*[st.integers(0, 2)] * 4)


def packed(x: np.ndarray, indices: np.ndarray, scale: np.ndarray, shift: np.ndarray, halo=(0, 0, 0, 0)) -> np.ndarray:
    """What `input` leaves of images[indices]: (N, C, H, W, lanes of all groups side by side)."""
    builder = Builder(groups_of(len(indices)) * LANES)
    made = builder.input(x.shape[1:], x.dtype, scale, shift, halo)
    kept = Buffer(made.buffer.size, per_group=True)
    for call in builder._calls:
        call.records[0]["x"] = kept
    session = Session(builder)
    values = session.program.array_of(kept, np.float32)
    values[:] = np.nan
    session.run(len(indices), x, indices)
    return unpacked(values, made)


def unpacked(values: np.ndarray, made: Tensor) -> np.ndarray:
    """(groups, C, H, W, 16) from a group's memory."""
    place, groups = made.place, len(values) // made.floats
    pixels = values.reshape(groups, place.pixels, LANES)
    c, h, w = np.indices(place.shape)
    return pixels[:, place.origin + c * place.plane + h * place.row + w]


@given(batch=st.sampled_from(BATCHES), channels=st.integers(1, 4), size=images((1, 1), 40), halo=HALOS,
       dtype=st.sampled_from([np.uint8, np.float32]), seed=seeds)
def test_every_lane_holds_its_image_scaled_and_shifted_and_empty_lanes_are_zero(
        batch, channels, size, halo, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (batch + 3, channels, *size)).astype(dtype)
    scale, shift = rng.normal(size=(2, channels)).astype(np.float32)
    indices = rng.permutation(len(x))[:batch]
    found = packed(x, indices, scale, shift, halo)
    expected = np.zeros((groups_of(batch) * LANES, channels, *size))
    expected[:batch] = x[indices] * scale[:, None, None].astype(np.float64) + shift[:, None, None]
    lanes_last = expected.reshape(-1, LANES, channels, *size).transpose(0, 2, 3, 4, 1)
    np.testing.assert_allclose(found, lanes_last, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_no_byte_after_the_last_image_is_read(dtype):
    """A page that may not be touched follows the images."""
    mmap = pytest.importorskip("mmap")
    shape, size = (17, 1, 5, 7), 17 * 35 * np.dtype(dtype).itemsize
    memory = mmap.mmap(-1, 4 * mmap.PAGESIZE)
    end = 2 * mmap.PAGESIZE
    x = np.frombuffer(memory, dtype, 17 * 35, end - size).reshape(shape)
    if not protect(x.ctypes.data + size, mmap.PAGESIZE):
        pytest.skip("pages cannot be protected here")
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    assert not packed(x, np.arange(17), one, zero).any()


def protect(address: int, size: int) -> bool:
    """Whether the pages could be made unreadable."""
    import ctypes

    try:
        return ctypes.CDLL(None).mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), 0) == 0
    except (AttributeError, OSError, TypeError):
        return False


# --- Weights ---


def ordered(weight: np.ndarray, block_rows: int) -> np.ndarray:
    """The definition: (targets, sources, kh, kw) in blocks of targets, whose values follow each other at every tap."""
    targets, sources, _, width = weight.shape
    order = weight.transpose(2, 3, 1, 0) if channels_inner(sources, width) else weight.transpose(1, 2, 3, 0)
    blocks = [(start, start + run.size) for run in runs(targets, block_rows)
              for start in range(run.start, run.start + run.blocks * run.size, run.size)]
    return np.concatenate([order[..., start:end].ravel() for start, end in blocks])


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(1, 1), (3, 3), (1, 5), (5, 5), (4, 4), (1, 17)]),
       st.sampled_from([6, 8, 12]), st.integers(0, 2**32 - 1))
def test_forward_and_backward_have_every_weight_at_its_place(targets, sources, kernel, block_rows, seed):
    shape = targets, sources, *kernel
    parameter = Parameter(shape)
    parameter.set(np.random.default_rng(seed).standard_normal(shape, np.float32))
    weight = Weight(parameter, shape)
    weight.forward, weight.backward = PackedWeight(weight.size, block_rows), PackedWeight(weight.size, block_rows)
    for call in weight.pack_calls():
        Program([Phase([call], len(call.records))], new_batch_table(), 0, 1).run(first=PACK)
    np.testing.assert_array_equal(weight.forward.array, ordered(parameter.array, block_rows))
    np.testing.assert_array_equal(weight.backward.array, ordered(parameter.array.transpose(1, 0, 2, 3), block_rows))
