"""Weights in the order in which `correlate` reads them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastconv.engine.builder import PACK
from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Phase, Program, new_batch_table
from fastconv.engine.weights import PackedWeight, Weight, channels_inner
from fastconv.kernels.blocks import runs


def packed(weight: np.ndarray, block_rows: int) -> np.ndarray:
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
    np.testing.assert_array_equal(weight.forward.array, packed(parameter.array, block_rows))
    np.testing.assert_array_equal(weight.backward.array, packed(parameter.array.transpose(1, 0, 2, 3), block_rows))
