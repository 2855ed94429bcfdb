"""Kernels as native functions: compiled once for each tile, and given the record of their unit."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, integers, kernel, octets, record, shorts
from fastconv.kernels.activation import activate
from fastconv.simd.block import ONE_VECTOR, Block

ARGUMENTS = record(("small", np.uint8), ("x", BUFFER), ("y", BUFFER), ("factor", np.int64))

READERS = {np.float32: floats, np.uint8: octets, np.uint16: shorts, np.int64: integers}


@kernel(ARGUMENTS)
def shape_of_tile(records, _index):
    op, block = argument(records), block_of(records)
    y = integers(op.y, 0)
    y[0], y[1], y[2] = block.rows, block.cols, op.factor


def reader(read):
    @kernel(ARGUMENTS)
    def first_of_group(records, group):
        op = argument(records)
        integers(op.y, 0)[0] = np.int64(read(op.x, group)[0])

    return first_of_group


def call(made, records, index, block=ONE_VECTOR):
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(made.address(block))(records.ctypes.data, index)


@pytest.mark.parametrize("block", [ONE_VECTOR, Block(2, 3)])
def test_a_kernel_knows_its_tile_and_reads_the_record_it_is_given(block):
    y, records = np.zeros(3, np.int64), np.zeros(3, ARGUMENTS)
    records["y"]["address"], records["factor"] = y.ctypes.data, [5, 7, 11]
    call(shape_of_tile, records[1:], 0, block)
    assert y.tolist() == [block.rows, block.cols, 7]


def test_a_kernel_is_compiled_once_for_each_tile():
    assert shape_of_tile.address(Block(1, 2)) == shape_of_tile.address(Block(1, 2))
    assert shape_of_tile.address(Block(1, 2)) != shape_of_tile.address(Block(2, 1))


def test_a_kernel_of_all_formulas_is_one_for_each_of_them():
    assert activate.of("mish") is activate.of("mish")
    assert activate.of("mish").address() == activate.of("mish").address()
    assert activate.of("mish").address() != activate.of("gelu").address()


@pytest.mark.parametrize("dtype", READERS, ids=lambda dtype: dtype.__name__)
def test_each_group_has_its_data_a_stride_further(dtype):
    x, y, records = np.arange(12).astype(dtype), np.zeros(1, np.int64), np.zeros(1, ARGUMENTS)
    records["x"], records["y"] = (x.ctypes.data, 4 * x.itemsize), (y.ctypes.data, 0)
    made, seen = reader(READERS[dtype]), []
    for group in range(3):
        call(made, records, group)
        seen.append(int(y[0]))
    assert seen == [0, 4, 8]
