"""Weights in a program: the packed orders that kernels read, and the calls that make gradients and packing.

The work on a weight is cut into units of whole blocks of target channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.engine.memory import At, Buffer, Fixed, aligned_floats
from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Call, Phase
from fastconv.engine.update import StepUnits
from fastconv.kernels import gradient, linear_grad, pack
from fastconv.kernels.abi import Kernel
from fastconv.kernels.blocks import runs
from fastconv.layout import whole_lanes
from fastconv.simd.block import Block
from fastconv.simd.blocking import CORRELATE_ROWS, TILE_COLS

#: Weights in a unit of a convolution's: enough to hide what a unit costs, few enough to keep all threads busy.
UNIT_WEIGHTS = 2048

#: Tiles in a unit of a linear layer's weights; they read the same images while those are in the first-level cache.
UNIT_TILES = 2


def channels_inner(sources: int, kernel_width: int) -> bool:
    """Whether a correlation's innermost loop is over source channels or over kernel columns: the longer one."""
    return sources >= kernel_width


class PackedWeight:
    """A weight in the order in which `correlate` reads it, in blocks of at most `block_rows` target channels."""

    kernel = pack.pack_weight

    def __init__(self, size: int, block_rows: int) -> None:
        self.array, self.block_rows = aligned_floats(size), block_rows


class TransformedWeight(PackedWeight):
    """A weight of 3×3 kernels as `kernels.winograd` reads it, for tiles of side × side outputs.

    kernel: what packs it.  flipped: the last tap of each kernel comes first, for the input's gradient.
    """

    def __init__(self, groups: int, targets: int, sources: int, block_rows: int, side: int, kernel: Kernel,
                 flipped: bool) -> None:
        padded = -(-targets // block_rows) * block_rows
        super().__init__(groups * padded * sources * (side + 2)**2, block_rows)
        self.groups, self.targets, self.sources = groups, targets, sources
        self.side, self.kernel, self.flipped = side, kernel, flipped


@dataclass(frozen=True)
class _Unit:
    """Consecutive blocks of the target channels of one group of channels."""

    group: int
    first_block: int
    end_block: int
    start: int
    end: int


class Weight:
    """A weight (targets, sources / groups, kh, kw) in a program; a linear layer's kernel covers its whole input."""

    def __init__(self, parameter: Parameter, shape: tuple[int, int, int, int], groups: int = 1,
                 trainable: bool = False) -> None:
        self.parameter, self.groups, self.trainable = parameter, groups, trainable
        self.targets, self.sources, *kernel = shape[0] // groups, *shape[1:]
        self.kernel_height, self.kernel_width = kernel
        self.row_size = self.sources * self.kernel_height * self.kernel_width
        self.size = parameter.array.size
        self.forward: PackedWeight | None = None  # these two are made by the operators that need them
        self.backward: PackedWeight | None = None
        self.grad = aligned_floats(self.size)
        self.partial: Buffer | None = None  # of a convolution: the gradient of each group of images,
        self.partial_order = (self.row_size, 1)  # of each target as (rows, cols); transposed it is the weight's order
        self.product: Mapping[str, Any] | None = None  # of a linear layer: the arguments of its matrix product

    def pack_calls(self) -> list[Call]:
        """The calls that pack the whole weight."""
        return self._pack_calls(self._units(1 + UNIT_WEIGHTS // (self._block_rows * self.row_size)))

    def step_units(self, batch: np.ndarray) -> list[StepUnits]:
        """The gradient, the ranges to be updated, and their packing."""
        if self.product is None:
            units = self._units(1 + UNIT_WEIGHTS // (self._block_rows * self.row_size))
            rows, cols = self.partial_order
            sums = _sum_call(self.partial, self.grad, self._ranges(units), batch, rows, cols)
            return [self._step_units(sums, units)]
        made, sizes = [], {run.size for run in runs(self.targets, self._block_rows)}
        for size in sorted(sizes, reverse=True):
            units = self._units(UNIT_TILES, size)
            call = Call(linear_grad.linear_weight_grad, [
                {**self.product, "dw": Fixed(self.grad), "batch": Fixed(batch), "start": unit.start,
                 "tiles": unit.end_block - unit.first_block} for unit in units], Block(size, TILE_COLS[size]))
            made.append(self._step_units(call, units))
        return made

    @property
    def _block_rows(self) -> int:
        return CORRELATE_ROWS if self.forward is None else self.forward.block_rows

    def _units(self, blocks: int, size: int | None = None) -> list[_Unit]:
        """Units of up to `blocks` blocks, of all blocks or of those with `size` channels.

        Only packing distinguishes groups of channels; where nothing is packed they are one.
        """
        packed = self.forward is not None or self.backward is not None
        groups, targets = (self.groups, self.targets) if packed else (1, self.groups * self.targets)
        units, first = [], 0
        for run in runs(targets, self._block_rows):
            for block in range(0, run.blocks, blocks) if size in (None, run.size) else ():
                end = min(run.blocks, block + blocks)
                rows = run.start + block * run.size, run.start + end * run.size
                units += [_Unit(group, first + block, first + end, *rows) for group in range(groups)]
            first += run.blocks
        return units

    def _ranges(self, units: Sequence[_Unit]) -> list[tuple[int, int]]:
        return [((unit.group * self.targets + unit.start) * self.row_size, (unit.end - unit.start) * self.row_size)
                for unit in units]

    def _step_units(self, gradient: Call, units: Sequence[_Unit]) -> StepUnits:
        return StepUnits(self.parameter, self.grad, [gradient], self._ranges(units), self._pack_calls(units))

    def _pack_calls(self, units: Sequence[_Unit]) -> list[Call]:
        taps = self.kernel_height * self.kernel_width
        calls = []
        if self.forward is not None:
            calls.append(self._pack_call(self.forward, units, [
                {"targets": self.targets, "sources": self.sources,
                 "block_start": unit.first_block, "block_end": unit.end_block, "source_end": self.sources,
                 "target_stride": self.row_size, "source_stride": taps} for unit in units]))
        if self.backward is not None:
            calls.append(self._pack_call(self.backward, units, [
                {"targets": self.sources, "sources": self.targets,
                 "block_end": -(-self.sources // self.backward.block_rows),
                 "source_start": unit.start, "source_end": unit.end,
                 "target_stride": taps, "source_stride": self.row_size} for unit in units]))
        return calls

    def _pack_call(self, packed: PackedWeight, units: Sequence[_Unit], records: Sequence[dict[str, Any]]) -> Call:
        group_size = self.targets * self.row_size
        starts = [{"weight": At(Fixed(self.parameter.array), 4 * unit.group * group_size),
                   "packed": At(Fixed(packed.array), 4 * unit.group * packed.array.size // self.groups),
                   "block_rows": packed.block_rows} for unit in units]
        if isinstance(packed, TransformedWeight):
            order: dict[str, Any] = {"first_tap": 8, "tap_step": -1} if packed.flipped else {"tap_step": 1}
        else:
            order = {"kernel_height": self.kernel_height, "kernel_width": self.kernel_width,
                     "channels_inner": channels_inner(records[0]["sources"], self.kernel_width)}
        return Call(packed.kernel, [start | record | order for start, record in zip(starts, records, strict=True)])


@dataclass(eq=False)
class Bias:
    """A bias, or another parameter of which each group of images leaves a sum for every value, in a program."""

    parameter: Parameter
    trainable: bool = False

    def __post_init__(self) -> None:
        self.grad = aligned_floats(self.parameter.array.size)
        self.partial: Buffer | None = None
        self.summed = False  # whether an operator leaves the gradient itself

    def step_units(self, batch: np.ndarray) -> list[StepUnits]:
        """The gradient, and its one range."""
        ranges = [(0, self.grad.size)]
        if self.summed:
            return [StepUnits(self.parameter, self.grad, [], ranges)]
        sums = _sum_call(self.partial, self.grad, ranges, batch, 1, 1)
        return [StepUnits(self.parameter, self.grad, [sums], ranges)]


def partial_sums(count: int) -> Buffer:
    """Memory for the sums that each group of images leaves: in whole cache lines, so that no two groups share one."""
    return Buffer(4 * whole_lanes(count), per_group=True)


def pack_phase(weights: Sequence[Weight]) -> Phase:
    """Packs all the weights, a unit for each record of their calls; the records of other kernels say: nothing."""
    units = [(call.kernel, record) for weight in weights for call in weight.pack_calls() for record in call.records]
    return Phase([Call(kernel, [record if kernel is its_kernel else {} for its_kernel, record in units])
                  for kernel in dict.fromkeys(kernel for kernel, _ in units)], len(units))


def _sum_call(partial: Buffer | None, grad: np.ndarray, ranges: Sequence[tuple[int, int]], batch: np.ndarray,
              rows: int, cols: int) -> Call:
    assert partial is not None
    return Call(gradient.sum_groups, [
        {"partial": At(partial, 4 * start), "grad": At(Fixed(grad), 4 * start), "batch": Fixed(batch),
         "targets": size // (rows * cols), "rows": rows, "cols": cols}
        for start, size in ranges])
