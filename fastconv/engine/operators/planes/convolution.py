"""Convolution and linear layers of one image."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Fixed
from fastconv.engine.operators import depthwise
from fastconv.engine.operators.planes.parts import behind, block_rows, by_channel, cuts
from fastconv.engine.operators.planes.place import new, vector_place
from fastconv.engine.operators.planes.windows import windows
from fastconv.engine.operators.tiling import Lines, Progression, tile_cost
from fastconv.engine.operators.window import Window
from fastconv.engine.parameter import Derived, Parameter
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, PackedWeight, Weight, channels_inner
from fastconv.kernels import planes as kernels
from fastconv.kernels import planes_correlate
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, Packed
from fastconv.simd.block import ONE_VECTOR, Block
from fastconv.simd.blocking import TILE_COLS

#: Vectors of outputs in a linear layer's tile: as many sums as the multiply-add units need in flight.
LINEAR_COLS = 8

#: What other multiply-adds of a vector cost beside a convolution's, 0.2 ns: a depthwise one's, of which most loads are
#: split between cache lines; a linear layer's, which loads weights.
DEPTHWISE_COST, LINEAR_COST = 5, 5

#: Channels from which on two rows of results at a time are faster than one.
LEAST_PAIR_CHANNELS = 16


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window) -> Tensor:
    """The convolution of x."""
    seen = windows(builder, x, window, weight.groups * weight.targets)
    y, taps, vectors = new(seen.place), len(seen.offsets), seen.vectors
    products = weight.size * vectors
    if depthwise.serves(weight, window):
        builder.work += DEPTHWISE_COST * products
        values, factors = _values(bias, y.place.channels), Fixed(weight.parameter.array)
        y.correlations = [by_channel(
            builder, planes_correlate.depthwise, Block(*window.kernel), [seen.x], y, lambda first, count: {
                "y": behind(y.buffer, first * y.place.plane), "weight": behind(factors, first * taps),
                "bias": behind(values, first), "channels": count, "lower": -np.inf, **seen.fields(first)})]
        return y
    builder.work += products
    weight.forward = PackedWeight(weight.size, block_rows(builder, weight.targets))
    y.cuts, y.correlations = cuts(builder, weight.targets), []
    for run in runs(weight.targets, weight.forward.block_rows):
        cols = min(range(1, TILE_COLS[run.size] + 1), key=lambda cols: _cost(taps, vectors, run.size, cols))
        fields = {"y": y.buffer, "weight": Fixed(weight.forward.array), "bias": _values(bias, y.place.channels),
                  "groups": weight.groups, "targets": weight.targets, "sources": weight.sources,
                  "channels_inner": channels_inner(weight.sources, weight.kernel_width), "lower": -np.inf,
                  **seen.fields()}
        firsts = [min(max(0, cut - run.start) // run.size, run.blocks) for cut in y.cuts]
        parts = [fields | {"start": run.start + run.size * first, "blocks": end - first}
                 for first, end in pairwise(firsts)]
        y.correlations.append(builder.divided(planes_correlate.correlate, Block(run.size, cols), parts,
                                              follows=bool(y.correlations)))
    return y


def serves_pairs(sources: int, targets: int, groups: int, window: Window) -> bool:
    """Whether `conv2d_by_pairs` is the one to compute a convolution."""
    plain = window.stride == window.dilation == (1, 1) and window.kernel[0] == 3
    return plain and groups == 1 and min(sources, targets) >= LEAST_PAIR_CHANNELS


def conv2d_by_pairs(builder: Builder, x: Tensor, weight: Parameter, bias: Bias | None, window: Window) -> Tensor:
    """The convolution of x with kernels of three rows: two rows of results at a time, with 4 products instead of 6.

    Winograd's F(2, 3) along the columns (Lavin & Gray 2016, section 4.1); along the rows taps are what they are.
    """
    targets, sources, _, width = weight.array.shape
    [products] = builder.derive(Derived([weight], [(4 * targets, sources, 1, width)], lambda: [_sums_of_rows(weight)]))
    size = window.output_size(x.place.size)
    pairs = -(-size[0] // 2)
    rows, y = new(vector_place(4 * sources, pairs, x.place.width)), new(vector_place(targets, *size))
    along_row = Window((1, width), padding=(0, 0, *window.padding[2:]))
    weights, values = builder.weight(products, (4 * targets, sources, 1, width), 4), _values(bias, targets)
    by_channel(builder, kernels.split_pairs, ONE_VECTOR, [x], rows.channels(0, sources), lambda first, count: {
        "x": behind(x.buffer, first * x.place.plane), "y": behind(rows.buffer, first * rows.place.plane),
        "channels": count, "height": x.place.height, "width": x.place.width, "x_row": x.place.row,
        "x_plane": x.place.plane, "y_row": rows.place.row, "y_plane": rows.place.plane,
        "distance": sources * rows.place.plane, "pairs": pairs, "top": window.padding[0]})
    builder.margin = max(builder.margin, 4 * LANES)
    made = conv2d(builder, rows, weights, None, along_row)
    y.correlations = [by_channel(builder, kernels.join_pairs, ONE_VECTOR, [made], y, lambda first, count: {
        "x": behind(made.buffer, first * made.place.plane), "y": behind(y.buffer, first * y.place.plane),
        "bias": behind(values, first), "channels": count, "height": size[0], "width": size[1],
        "x_row": made.place.row, "x_plane": made.place.plane, "y_row": y.place.row, "y_plane": y.place.plane,
        "distance": targets * made.place.plane, "pairs": pairs, "lower": -np.inf})]
    return y


def _sums_of_rows(weight: Parameter) -> np.ndarray:
    """(4 · targets, sources, 1, kernel width): of the kernels' rows g the sums g0, (g0 ± g1 + g2) / 2 and g2."""
    g0, g1, g2 = np.moveaxis(weight.array.astype(np.float64), 2, 0)
    sums = g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2
    return np.concatenate(sums)[:, :, None]


def _cost(taps: int, vectors: int, targets: int, cols: int) -> float:
    rows, line = Lines([Progression(0, 1, 1, 0, 1, 0, 1)]), Lines([Progression(0, 1, vectors, 0, taps, 0, 1)])
    return tile_cost(rows, line, targets, cols)


def linear(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None) -> Tensor:
    """A linear layer. weight: (outputs, features, 1, 1)"""
    y = new(Packed.alone(weight.targets, 1, 1))
    builder.work += LINEAR_COST * weight.size / LANES
    weight.forward = PackedWeight(weight.size + LANES, LANES)
    y.correlations = []
    for run in runs(weight.targets, LANES):
        cols = min(range(1, LINEAR_COLS + 1), key=lambda cols: run.blocks // cols + run.blocks % cols)
        y.correlations.append(builder.call(
            planes_correlate.linear, Block(1, cols), x=x.buffer, y=y.buffer, weight=Fixed(weight.forward.array),
            bias=_values(bias, weight.targets), channels=x.place.channels, height=x.place.height,
            width=x.place.width, row=x.place.row, plane=x.place.plane, start=run.start, blocks=run.blocks,
            size=run.size, lower=-np.inf))
    return y


def _values(bias: Bias | None, count: int) -> Fixed:
    return Fixed(np.zeros(count, np.float32) if bias is None else bias.parameter.array)
