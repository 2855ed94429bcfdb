"""How channels are cut into blocks, the same in kernels and in the plans that call them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from fastconv.kernels.blocks import block_count, block_start, runs

channel_counts, sizes = st.integers(1, 300), st.integers(1, 12)


def starts(channels: int, most: int) -> list[int]:
    """Where the blocks of the runs start."""
    return [run.start + i * run.size for run in runs(channels, most) for i in range(run.blocks)]


@given(channel_counts, sizes)
def test_blocks_are_as_few_as_possible_and_differ_by_at_most_one_the_larger_first(channels, most):
    lengths = [run.size for run in runs(channels, most) for _ in range(run.blocks)]
    assert sum(lengths) == channels
    assert len(lengths) == -(-channels // most)
    assert most >= lengths[0] == max(lengths) <= min(lengths) + 1
    assert lengths == sorted(lengths, reverse=True)


@given(channel_counts, sizes)
def test_runs_are_at_most_two_and_of_different_sizes(channels, most):
    assert len({run.size for run in runs(channels, most)}) == len(runs(channels, most)) <= 2


@njit
def _starts_and_end(channels, most):
    return [block_start(channels, most, index) for index in range(block_count(channels, most) + 1)]


@given(channel_counts, sizes)
def test_kernels_start_blocks_where_plans_do(channels, most):
    assert _starts_and_end(channels, most) == [*starts(channels, most), channels]
