"""Convolution by 3×3 kernels with fewer multiplications: F(4×4, 3×3) and F(2×2, 3×3) of Lavin & Gray 2016.

It takes a quarter, or four ninths, of the multiplications, and rounds differently: with weights and values drawn
independently, up to 256 channels, no output is further from the exact one than 5e-6, or 1.5e-6, times the largest; the
direct algorithm has up to 3e-6. What is infinite or no number in one pixel reaches all outputs of its tile, but no
other image.
"""

from __future__ import annotations

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.operators import direct
from fastconv.engine.operators.window import Window
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, TransformedWeight, Weight
from fastconv.kernels import winograd as kernels
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, Packed
from fastconv.simd.block import Block
from fastconv.simd.blocking import CORRELATE_ROWS, TILE_COLS, WINOGRAD_BLOCKS, WINOGRAD_TILES

#: What convolves and what packs the weight, by the outputs along a side of a tile.
KERNELS = {4: (kernels.convolve_4x4, kernels.pack_4x4), 2: (kernels.convolve_2x2, kernels.pack_2x2)}

#: What the transforms of a tile cost for each source and each target channel, in multiply-adds of each element; and how
#: much less than the direct algorithm's the cost must be. Measured beside the direct algorithm, batch 64, one core, at
#: 3→16, 8→8, 16→16, 32→32 and 64→64 channels: 0.8, 1.2, 1.8, 2.3 and 3.1 times as fast with AVX-512 on images 32×32 or
#: 16×16, 0.8, 1.0, 1.4, 1.9 and 2.4 on 8×8; with AVX2 0.9, 1.3, 1.7, 2.1 and 2.8, and 0.9, 1.1, 1.5, 2.0 and 2.4.
TRANSFORM_COST, MOST_COST = 10, 0.9

halo, conv2d_weight_grad = direct.halo, direct.conv2d_weight_grad


def serves(window: Window) -> bool:
    """Whether this algorithm can compute a convolution."""
    return window.kernel == (3, 3) and window.stride == window.dilation == (1, 1)


def wins(sources: int, targets: int, window: Window, size: tuple[int, int]) -> bool:
    """Whether it is faster than the direct algorithm, for outputs of `size`."""
    height, width = size
    return serves(window) and min(_cost(sources, targets, size, side) for side in KERNELS) < (
        MOST_COST * 9 * height * width * sources * targets)


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window) -> Tensor:
    """As `convolution.conv2d`, without its gradients."""
    y = Tensor.new(Packed.of(weight.groups * weight.targets, *window.output_size(x.place.size)), needs_grad=False)
    weight.forward = _packed(weight.groups, weight.targets, weight.sources, y.place.size, flipped=False)
    y.correlations = [_convolve(builder, x, y, weight.forward, bias, window.padding[0], window.padding[2])]
    return y


def conv2d_input_grad(builder: Builder, dy: Tensor, dx: Tensor, weight: Weight, window: Window,
                      bias: Bias | None = None) -> list[Call]:
    """Writes the gradient of the convolution's input to dx, plus the bias if there is one: a convolution of dy with the
    flipped kernels.
    """
    weight.backward = _packed(weight.groups, weight.sources, weight.targets, dx.place.size, flipped=True)
    return [_convolve(builder, dy, dx, weight.backward, bias, 2 - window.padding[0], 2 - window.padding[2])]


def _tiles(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The rows and columns of tiles of side × side outputs."""
    return -(-size[0] // side), -(-size[1] // side)


def _cost(sources: int, targets: int, size: tuple[int, int], side: int) -> int:
    """In multiply-adds."""
    rows, cols = _tiles(size, side)
    return (side + 2)**2 * rows * cols * (sources * targets + TRANSFORM_COST * (sources + targets))


def _packed(groups: int, targets: int, sources: int, size: tuple[int, int], flipped: bool) -> TransformedWeight:
    """Memory for the weight, for the tiles that outputs of `size` cost least with."""
    side = min(KERNELS, key=lambda side: _cost(sources, targets, size, side))
    block_rows = runs(targets, CORRELATE_ROWS)[0].size
    return TransformedWeight(groups, targets, sources, block_rows, side, KERNELS[side][1], flipped)


def _convolve(builder: Builder, x: Tensor, y: Tensor, weight: TransformedWeight, bias: Bias | None, top: int,
              left: int) -> Call:
    """top, left: zeros above and to the left of x."""
    values = np.zeros(y.place.channels, np.float32) if bias is None else bias.parameter.array
    elements, (tile_rows, tile_cols) = (weight.side + 2)**2, _tiles(y.place.size, weight.side)
    cols = TILE_COLS[weight.block_rows]
    panel_tiles = min(cols * max(1, WINOGRAD_TILES // cols), tile_rows * tile_cols)
    # From one element to the next an odd number of cache lines, so that they do not compete for the same sets.
    panel_step, products_step = weight.sources * panel_tiles | 1, WINOGRAD_BLOCKS * weight.block_rows * panel_tiles | 1
    return builder.call(
        KERNELS[weight.side][0], Block(weight.block_rows, cols), x=x.start, height=x.place.height, width=x.place.width,
        x_row=x.place.row, x_plane=x.place.plane, y=y.buffer, out_height=y.place.height, out_width=y.place.width,
        y_row=y.place.row, y_plane=y.place.plane, weight=Fixed(weight.array), bias=Fixed(values),
        groups=weight.groups, targets=weight.targets, sources=weight.sources, top=top, left=left,
        tiles=tile_rows * tile_cols, tile_cols=tile_cols,
        panel=Buffer(4 * LANES * elements * panel_step), panel_tiles=panel_tiles, panel_step=panel_step,
        products=Buffer(4 * LANES * elements * products_step), products_step=products_step,
        some_blocks=WINOGRAD_BLOCKS,
        rows=Buffer(4 * LANES * (weight.side + 2) * (min(panel_tiles, tile_cols) * weight.side + 2)), lower=-np.inf)
