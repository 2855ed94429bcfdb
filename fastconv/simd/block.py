"""The sizes of register tiles, and the Numba types that carry them into kernels."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir
from numba import types
from numba.extending import models, overload_attribute, register_model

from fastconv.layout import LANES
from fastconv.simd.ir_tools import FLOATS, MASK


@dataclass(frozen=True)
class Block:
    """The size of a tile, rows x cols; a compile-time constant in kernels."""

    rows: int
    cols: int


ONE_VECTOR = Block(1, 1)
SQUARE = Block(LANES, 1)  # as many rows as lanes


class _SizedType(types.Type):
    def __init__(self, rows, cols):
        self.rows, self.cols = rows, cols
        super().__init__(name=f"{type(self).__name__}({rows}, {cols})")


class BlockType(_SizedType):
    """A size alone."""


class TileType(_SizedType):
    """A vector for each row and column."""


class MasksType(_SizedType):
    """A mask for each column of a tile."""


@register_model(BlockType)
class _BlockModel(models.OpaqueModel):
    pass


@register_model(TileType)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, tile):
        super().__init__(manager, tile, ir.ArrayType(FLOATS, tile.rows * tile.cols))


@register_model(MasksType)
class _MasksModel(models.PrimitiveModel):
    def __init__(self, manager, masks):
        super().__init__(manager, masks, ir.ArrayType(MASK, masks.cols))


@overload_attribute(BlockType, "rows")
def _rows(block):
    rows = block.rows
    return lambda block: rows


@overload_attribute(BlockType, "cols")
def _cols(block):
    cols = block.cols
    return lambda block: cols
