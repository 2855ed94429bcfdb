"""How threads share the channels of one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.memory import At, Buffer, Fixed
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.kernels.abi import Kernel
from fastconv.kernels.blocks import runs
from fastconv.simd.block import Block
from fastconv.simd.blocking import CORRELATE_ROWS


def block_rows(builder: Builder, channels: int) -> int:
    """The most targets in a block of a convolution's: such that each thread has as many blocks as any other."""
    blocks = -(-channels // CORRELATE_ROWS)
    blocks = -(-blocks // builder.threads) * builder.threads
    return -(-channels // blocks)


def cuts(builder: Builder, channels: int) -> tuple[int, ...]:
    """Where so many channels are cut into a part for each thread: between blocks of a convolution's targets."""
    starts = [run.start + run.size * block
              for run in runs(channels, block_rows(builder, channels)) for block in range(run.blocks)]
    shares = [channels * part / builder.threads for part in range(1, builder.threads)]
    return (0, *(min([*starts, channels], key=lambda start: abs(start - share)) for share in shares), channels)


def by_channel(builder: Builder, kernel: Kernel, block: Block, inputs: Sequence[Tensor], y: Tensor,
               fields: Callable[[int, int], dict[str, Any]]) -> Call:
    """A call whose results in some channels need nothing but the inputs in these.

    fields: those of the channels from a first one on, so many.
    """
    y.cuts = cuts(builder, y.place.channels)
    parts = [fields(first, end - first) for first, end in pairwise(y.cuts)]
    return builder.divided(kernel, block, parts, follows=all(x.cuts == y.cuts for x in inputs))


def behind(start: Buffer | Fixed, count: int) -> At:
    """The place so many floats behind a start."""
    return At(start, 4 * count)
