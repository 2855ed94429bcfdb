"""Builds a program: operators emit their forward calls in order, and their gradients' calls in reverse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.parameter import Derived, Parameter
from fastconv.engine.program import Call, Phase, Program, in_turn, new_batch_table
from fastconv.engine.tensor import Tensor
from fastconv.engine.threads import get_num_threads
from fastconv.engine.update import Update, step_stages
from fastconv.engine.weights import Bias, Weight, pack_phase
from fastconv.kernels import pack
from fastconv.kernels.abi import IMAGES, Kernel
from fastconv.layout import LANES, Packed
from fastconv.simd.block import ONE_VECTOR, SQUARE, Block

Halo = tuple[int, int, int, int]

#: The first phases of every program: pack all weights, and run a batch.
PACK, RUN = 0, 1


class Builder:
    """Collects kernel calls, to be made on each group of images of a batch of up to `capacity`.

    lanes: images in a group, 16 or 1.  threads: how many share each image where there is a single one.
    part: what is being emitted, which the calls will tell.
    """

    def __init__(self, capacity: int = 0, input_grad: bool = False, lanes: int = LANES, threads: int = 1) -> None:
        """input_grad: the gradient by the images is needed too."""
        self.capacity, self.lanes, self.threads = capacity, lanes, threads
        self.margin = 0  # bytes that kernels may read on either side of a buffer
        self.work = 0.0  # what one image costs, in vectors of multiply-adds, where it is computed by itself
        self.part: object = None
        self.images: Tensor | None = None
        self._input_grad = input_grad
        self.batch_table = new_batch_table()
        self.weights: list[Weight] = []
        self.biases: list[Bias] = []
        self.mixture: dict[str, Buffer] = {}  # each lane's other image and the share of its own, where images are mixed
        self._calls: list[Call] = []
        self._stages: list[list[Phase]] = []
        self._afterwards: list[Call] = []
        self.derived: list[Derived] = []
        self.gathered: list[Parameter] = []
        self._summary: list[Call] = []
        self._gradients: list[tuple[object, Callable[[], None]]] = []
        self._streams = 0

    @property
    def batch(self) -> Fixed:
        """The batch table, as kernels take it."""
        return Fixed(self.batch_table)

    def call(self, kernel: Kernel, block: Block = ONE_VECTOR, /, **fields: Any) -> Call:
        call = Call(kernel, [fields], block, self.part)
        if self.threads == 1:
            self._calls.append(call)
        else:
            self._stages.append([Phase([call], 1)])
        return call

    def divided(self, kernel: Kernel, block: Block, parts: Sequence[dict[str, Any]], follows: bool) -> Call:
        """A call whose work is cut into parts, one for each thread, with the fields of each part.

        follows: all that a part needs of the calls just before is what their part of the same number has made.
        """
        call = Call(kernel, parts, block, self.part)
        if self.threads == 1:
            self._calls.append(call)
        elif follows and self._stages and self._stages[-1][0].units == self.threads:
            self._stages[-1][0].calls.append(call)
        else:
            self._stages.append([Phase([call], self.threads)])
        return call

    def gather(self, kernel: Kernel, **fields: Any) -> None:
        """A call to be made once, when all groups have come so far; they go on when it is done."""
        self._stages += [[Phase(self._calls)], [Phase([Call(kernel, [fields], part=self.part)], 1)]]
        self._calls = []

    def afterwards(self, parameters: Sequence[Parameter], kernel: Kernel, **fields: Any) -> None:
        """A call to be made once at the end of a step, if the step is one that updates anything.

        parameters: those it changes.
        """
        self.gathered += parameters
        self._afterwards.append(Call(kernel, [fields], part=self.part))

    def summary(self, kernel: Kernel, **fields: Any) -> None:
        """A call to be made once, when the whole batch is done and before any parameter changes."""
        self._summary.append(Call(kernel, [fields]))

    def gradient(self, emit: Callable[[], None]) -> None:
        """Has `emit` called by `backward`, before those of the operators that came earlier."""
        self._gradients.append((self.part, emit))

    def backward(self) -> None:
        """Emits the gradients of all operators so far."""
        for part, emit in reversed(self._gradients):
            self.part = part
            emit()

    def weight(self, parameter: Parameter, shape: tuple[int, int, int, int], groups: int = 1,
               trainable: bool = False) -> Weight:
        """A parameter as a convolution's weight (C_out, C_in / groups, kh, kw)."""
        self.weights.append(Weight(parameter, shape, groups, trainable))
        return self.weights[-1]

    def bias(self, parameter: Parameter, trainable: bool = False) -> Bias:
        self.biases.append(Bias(parameter, trainable))
        return self.biases[-1]

    def derive(self, derived: Derived) -> list[Parameter]:
        """Parameters that are computed from others before a batch, where one of those has changed."""
        self.derived.append(derived)
        return derived.parameters

    def new_stream(self) -> int:
        """The number of a stream of random numbers that no earlier operator draws from."""
        self._streams += 1
        return self._streams - 1

    @property
    def trained(self) -> list[Weight | Bias]:
        """The trainable parameters."""
        used: list[Weight | Bias] = [*self.weights, *self.biases]
        return [each for each in used if each.trainable]

    def input(self, shape: tuple[int, int, int], dtype: Any, scale: np.ndarray, shift: np.ndarray,
              halo: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Tensor:
        """The batch's images (C, H, W) times scale plus shift, both (C,), with a halo of zeros around each plane."""
        kernel = pack.pack_uint8 if dtype == np.uint8 else pack.pack_float32
        self.images = self._packed(kernel, shape, IMAGES, scale, shift, halo)
        self.images.needs_grad = self._input_grad
        return self.images

    def array(self, shape: tuple[int, int, int], slot: int, halo: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Tensor:
        """Arrays (C, H, W) float32 as they are; their address is in a slot of the batch table."""
        one, zero = np.ones(shape[0], np.float32), np.zeros(shape[0], np.float32)
        return self._packed(pack.pack_float32, shape, slot, one, zero, halo)

    def _packed(self, kernel: Kernel, shape: tuple[int, int, int], slot: int, scale: np.ndarray, shift: np.ndarray,
                halo: tuple[int, int, int, int]) -> Tensor:
        place = Packed.of(*shape, halo=halo)
        x = Tensor(place, Buffer(4 * LANES * place.pixels, keep=any(halo)), needs_grad=False)
        self.call(kernel, batch=self.batch, slot=slot, scale=Fixed(scale), shift=Fixed(shift), x=x.buffer,
                  **place.fields())
        return x

    def output(self, x: Tensor) -> None:
        """Writes x to the batch's results, NCHW float32."""
        self.call(pack.unpack, SQUARE, x=x.buffer, batch=self.batch, **x.place.flat().fields())

    def program(self, update: Update | None = None) -> Program:
        """Phase 0 packs all weights, the next ones run a batch, and the last leave the gradient of each trainable
        parameter, and with an update its new values, packed.
        """
        units = [units for each in self.trained for units in each.step_units(self.batch_table)]
        summary = [Phase([call], 1) for call in self._summary]
        steps = step_stages(units, self.batch_table, update)
        last = [] if update is None else [[Phase([call], 1) for call in self._afterwards]]
        stages = [[pack_phase(self.weights)], *self._stages, [Phase(self._calls)], summary, *steps, *last]
        workers = get_num_threads() if self.threads == 1 else self.threads
        return Program(in_turn(stages), self.batch_table, self.capacity, workers, self.lanes, self.margin)
