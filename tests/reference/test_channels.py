"""The reference channel shuffle, against PyTorch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import reference
from tests.oracles import assert_close
from tests.strategies import arrays, seeds

torch = pytest.importorskip("torch")


@given(st.integers(1, 5), st.integers(1, 5), seeds)
def test_channel_shuffle_agrees_with_pytorch(groups, size, seed):
    x = arrays(seed, 2, groups * size, 3, 2)
    expected = torch.nn.functional.channel_shuffle(torch.tensor(x), groups)
    assert_close(reference.channel_shuffle(x, groups), expected.numpy(), 0)


@given(st.integers(1, 5), st.integers(1, 5), seeds)
def test_the_shuffle_with_as_many_groups_as_one_has_channels_takes_it_back(groups, size, seed):
    x = arrays(seed, 2, groups * size, 3, 2)
    assert_close(reference.channel_shuffle(reference.channel_shuffle(x, groups), size), x, 0)
