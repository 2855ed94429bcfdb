"""How kernels are called: every kernel is a native function `(arguments, index)`.

`arguments` points to a NumPy record that describes one operation of a plan (addresses and sizes); `index` is the unit
that the call works on: a group of 16 images, or a part of a parameter or of an image, which then has a record of its
own. A plan is a table of kernel and record addresses, and `kernels.work` walks it in one native call without the GIL,
however many layers a network has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic, models, register_model

from fastconv.kernels.compiling import callback
from fastconv.simd.block import ONE_VECTOR, Block, BlockType
from fastconv.simd.native import native

#: A place in memory: group g's data starts at address + g * stride (stride 0: scratch memory of one worker).
BUFFER = np.dtype([("address", np.int64), ("stride", np.int64)])

#: What changes from one batch to the next stands in an int64 table that all kernels of a plan share:
#: addresses of the images, their indices, the targets and the results, the number of images, a word that a kernel sets
#: where no further phase should begin, the key of the images' random numbers, how many images there are in all, and the
#: seed and the step of all other random numbers.
IMAGES, INDICES, TARGETS, RESULTS, COUNT, STOP, KEY, TOTAL, SEED, STEP = range(10)

#: Words of that table.
BATCH_WORDS = 10


def record(*fields: tuple[str, Any]) -> np.dtype[np.void]:
    """The dtype of a kernel's arguments."""
    return np.dtype(list(fields), align=True)


class RecordsType(types.Type):
    """A pointer to a record, whose type also carries what a kernel is compiled for.

    That is a tile size, and where the kernel is one for all formulas of `kernels.formulas`, the name of one.
    """

    def __init__(self, dtype, block, formula):
        self.record, self.block, self.formula = from_dtype(dtype), block, formula
        super().__init__(name=f"Records({self.record}, {block.rows}x{block.cols}, {formula})")


@register_model(RecordsType)
class _RecordsModel(models.PrimitiveModel):
    def __init__(self, manager, records):
        super().__init__(manager, records, ir.IntType(8).as_pointer())


class Kernel:
    """A native function over one record, compiled or loaded from the cache when an address is first asked for."""

    def __init__(self, function: Callable[..., None], arguments: np.dtype[np.void], formula: str = "") -> None:
        self.function, self.arguments, self.formula = function, arguments, formula
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self._compiled: dict[Block, Any] = {}
        self._of_formulas: dict[str, Kernel] = {}

    def of(self, formula: str) -> Kernel:
        """The kernel of one formula."""
        return self._of_formulas.setdefault(formula, Kernel(self.function, self.arguments, formula))

    def address(self, block: Block = ONE_VECTOR) -> int:
        """The kernel's address, specialised on a tile size."""
        if block not in self._compiled:
            signature = types.void(RecordsType(self.arguments, block, self.formula), types.intp)
            self._compiled[block] = callback(signature, self.function)
        return int(self._compiled[block].address)


def kernel(arguments: np.dtype[np.void]) -> Callable[[Callable[..., None]], Kernel]:
    """Declares a kernel: a function of (pointer to records, index)."""
    return lambda function: Kernel(function, arguments)


@intrinsic
def argument(_typing, records):
    """The record that the call is about."""

    def codegen(context, builder, _signature, args):
        return builder.bitcast(args[0], context.get_value_type(records.record))

    return records.record(records), codegen


@intrinsic
def block_of(_typing, records):
    """The tile size the kernel is compiled for."""
    block = BlockType(records.block.rows, records.block.cols)

    def codegen(context, _builder, _signature, _args):
        return context.get_dummy_value()

    return block(records), codegen


@intrinsic
def pointer(_typing, element, address):
    """A typed pointer, e.g. pointer(np.float32, address)."""
    result = types.CPointer(element.dtype)

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[1], context.get_value_type(signature.return_type))

    return result(element, types.intp), codegen


@intrinsic
def offset(_typing, start, count):
    """The pointer `count` elements after `start`."""

    def codegen(_context, builder, _signature, args):
        return builder.gep(args[0], [args[1]])

    return start(start, types.intp), codegen


@native
def floats(buffer, group):
    """Pointer to group `group` of a float32 buffer."""
    return pointer(np.float32, buffer.address + group * buffer.stride)


@native
def octets(buffer, group):
    """Pointer to group `group` of a uint8 buffer."""
    return pointer(np.uint8, buffer.address + group * buffer.stride)


@native
def shorts(buffer, group):
    """Pointer to group `group` of a uint16 buffer."""
    return pointer(np.uint16, buffer.address + group * buffer.stride)


@native
def words(buffer, group):
    """Pointer to group `group` of a uint32 buffer."""
    return pointer(np.uint32, buffer.address + group * buffer.stride)


@native
def integers(buffer, group):
    """Pointer to group `group` of an int64 buffer."""
    return pointer(np.int64, buffer.address + group * buffer.stride)
