"""How channels are split into blocks that fill tiles: the fewest blocks, balanced, the larger ones first."""

from __future__ import annotations

from dataclasses import dataclass

from fastconv.simd.native import native


@native
def block_count(channels, most):
    """The fewest blocks of at most `most` channels."""
    return (channels + most - 1) // most


@native
def block_start(channels, most, index):
    """Where block `index` starts; the sizes of blocks differ by at most one."""
    blocks = block_count(channels, most)
    return index * (channels // blocks) + min(index, channels % blocks)


@dataclass(frozen=True)
class Run:
    """Consecutive blocks of one size."""

    start: int
    size: int
    blocks: int


def runs(channels: int, most: int) -> list[Run]:
    """The blocks of `block_start` as at most two runs of equal blocks."""
    blocks = -(-channels // most)
    size, larger = divmod(channels, blocks)
    both = [Run(0, size + 1, larger), Run(larger * (size + 1), size, blocks - larger)]
    return [run for run in both if run.blocks]
