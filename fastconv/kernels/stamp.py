"""Time stamps between the calls of a program."""

from __future__ import annotations

import platform

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastconv.kernels.abi import BUFFER, argument, integers, kernel, record
from fastconv.kernels.compiling import entry_point

WORD = ir.IntType(64)


@intrinsic
def _ticks(_typing):
    """The processor's counter of time, which goes at one rate on all cores: TSC, or on ARM CNTVCT."""

    def codegen(_context, builder, _signature, _args):
        if platform.machine() in ("aarch64", "arm64"):
            read = ir.FunctionType(WORD, [])
            return builder.asm(read, "mrs $0, cntvct_el0", "=r", [], side_effect=True)
        counter = builder.module.declare_intrinsic("llvm.readcyclecounter", fnty=ir.FunctionType(WORD, []))
        return builder.call(counter, [])

    return types.int64(), codegen


@entry_point("int64()")
def ticks():
    """What the counter shows."""
    return _ticks()


@kernel(record(("last", BUFFER), ("total", BUFFER)))
def stamp(records, _index):
    """total += the ticks since the last stamp."""
    op = argument(records)
    last, total = integers(op.last, 0), integers(op.total, 0)
    now = _ticks()
    total[0] += now - last[0]
    last[0] = _ticks()
