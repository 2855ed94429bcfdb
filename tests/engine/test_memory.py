"""Memory for programs: aligned, never shared by two buffers that live at once, and used again afterwards."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.engine.memory import ALIGNMENT, Buffer, aligned, aligned_floats, place

CALLS = 12


@st.composite
def lifetimes(draw: st.DrawFn) -> dict[Buffer, tuple[int, int]]:
    """Buffers with the first and the last of a dozen calls that use each; some are kept for ever."""
    calls = st.tuples(st.integers(0, CALLS - 1), st.integers(0, CALLS - 1)).map(sorted)
    buffers = draw(st.lists(st.tuples(st.integers(1, 1000), st.booleans(), calls), max_size=15))
    return {Buffer(size, keep=keep): (first, last) for size, keep, (first, last) in buffers}


def whole_lines(buffer: Buffer) -> int:
    """The buffer's size in whole cache lines."""
    return -(-buffer.size // ALIGNMENT) * ALIGNMENT


@given(lifetimes())
def test_buffers_that_live_at_once_never_overlap(lives):
    place(lives)
    for (one, (first, last)), (other, (other_first, other_last)) in combinations(lives.items(), 2):
        if one.keep or other.keep or (first <= other_last and other_first <= last):
            assert one.offset + one.size <= other.offset or other.offset + other.size <= one.offset


@given(lifetimes())
def test_every_buffer_starts_at_a_cache_line_and_ends_inside_the_total(lives):
    total = place(lives)
    for buffer in lives:
        assert buffer.offset >= 0
        assert buffer.offset % ALIGNMENT == 0
        assert buffer.offset + buffer.size <= total


@given(lifetimes())
def test_the_total_lies_between_what_one_call_needs_and_what_all_buffers_need(lives):
    total = place(lives)
    needed = [sum(whole_lines(buffer) for buffer, (first, last) in lives.items()
                  if buffer.keep or first <= call <= last) for call in range(CALLS)]
    assert max(needed) <= total <= sum(map(whole_lines, lives))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20))
def test_buffers_that_live_one_after_the_other_share_the_memory_of_the_largest(sizes):
    lives = {Buffer(size): (call, call) for call, size in enumerate(sizes)}
    assert place(lives) == max(map(whole_lines, lives))


def test_a_chain_in_which_each_call_reads_the_last_ones_result_needs_two_buffers():
    lives = {Buffer(640): (call, call + 1) for call in range(20)}
    assert place(lives) == 2 * 640


def test_the_memory_of_a_kept_buffer_is_never_used_again():
    kept, later = Buffer(64, keep=True), Buffer(64)
    assert place({kept: (0, 0), later: (5, 6)}) == 128


def test_no_buffers_need_no_memory():
    assert place({}) == 0


@pytest.mark.parametrize("size", [1, 63, 64, 65, 4096])
def test_aligned_memory_is_zeros_from_a_cache_line_on(size):
    memory = aligned(size)
    assert memory.shape == (size,)
    assert memory.dtype == np.uint8
    assert memory.ctypes.data % ALIGNMENT == 0
    assert not memory.any()


def test_aligned_floats_are_counted_in_floats():
    memory = aligned_floats(17)
    assert memory.shape == (17,)
    assert memory.dtype == np.float32
    assert memory.ctypes.data % ALIGNMENT == 0
