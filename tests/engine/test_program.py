"""Programs: the order of phases, the units of each, and the memory that kernels are given."""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastconv as fc
from fastconv.engine.memory import ALIGNMENT, At, Buffer, Fixed
from fastconv.engine.program import Call, Phase, Program, in_turn, new_batch_table
from fastconv.kernels.abi import BUFFER, STOP, record
from fastconv.simd.block import ONE_VECTOR, Block
from tests.jobs import PATIENCE_SECONDS

ARGUMENTS = record(("buffer", BUFFER), ("other", BUFFER), ("number", np.int64))

_KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


class PythonKernel:
    """A kernel that is a Python function of (the first record of its arguments, unit)."""

    arguments = ARGUMENTS

    def __init__(self, function: Callable[[Any, int], object]) -> None:
        self.errors: list[BaseException] = []
        self.blocks: list[Block] = []

        def call(records: int, unit: int) -> None:
            try:
                memory = ctypes.string_at(records, ARGUMENTS.itemsize)
                function(np.frombuffer(memory, ARGUMENTS)[0], unit)
            except BaseException as error:  # native code has no way to pass it on
                self.errors.append(error)

        self._kernel = _KERNEL(call)

    def address(self, block: Block) -> int:
        self.blocks.append(block)
        return ctypes.cast(self._kernel, ctypes.c_void_p).value


@pytest.fixture
def threads():
    """Four threads, as many as a program here has workers."""
    before = fc.get_num_threads()
    fc.set_num_threads(4)
    yield 4
    fc.set_num_threads(before)


def phase(function, units=None, needs=-1, **fields) -> Phase:
    return Phase([Call(PythonKernel(function), [fields])], units, needs)


def program(*phases: Phase, capacity: int = 64, workers: int = 1) -> Program:
    return Program(phases, new_batch_table(), capacity, workers)


def run(made: Program, phases: tuple[Phase, ...] | list[Phase], images: int = 0) -> None:
    """Runs a program, and raises the first error of its kernels."""
    made.run(images)
    for each in phases:
        for error in each.calls[0].kernel.errors:
            raise error


def run_alone(*phases: Phase, images: int = 0) -> None:
    run(program(*phases), phases, images)


# --- Units ---


def test_calls_are_made_one_after_the_other_on_each_unit_of_each_phase():
    seen = []
    kernels = [PythonKernel(lambda _, unit, name=name: seen.append((name, unit))) for name in "abc"]
    calls = [Call(kernel, [{}]) for kernel in kernels]
    program(Phase(calls[:2], 2), Phase(calls[2:], 3)).run()
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("c", 0), ("c", 1), ("c", 2)]


def test_a_unit_has_a_record_of_its_own_where_a_call_has_several():
    seen = []
    kernel = PythonKernel(lambda record, unit: seen.append((unit, int(record["number"]))))
    program(Phase([Call(kernel, [{"number": 7}]), Call(kernel, [{"number": n} for n in (4, 5, 6)])], 3)).run()
    assert seen == [(0, 7), (0, 4), (1, 7), (1, 5), (2, 7), (2, 6)]


@pytest.mark.parametrize(("images", "groups"), [(0, 0), (1, 1), (16, 1), (17, 2), (64, 4)])
def test_a_phase_without_units_runs_on_each_group_of_images_and_one_with_units_on_any_batch(images, groups):
    seen = []
    run_alone(phase(lambda _, unit: seen.append(("group", unit))),
              phase(lambda _, unit: seen.append(("unit", unit)), units=2), images=images)
    assert seen == [("group", group) for group in range(groups)] + [("unit", 0), ("unit", 1)]


def test_batches_of_any_size_follow_each_other():
    seen = []
    phases = [phase(lambda _, unit: seen.append(unit))]
    made = program(*phases)
    for images in (64, 1, 0, 33):
        run(made, phases, images)
    assert seen == [0, 1, 2, 3, 0, 0, 1, 2]


def test_a_program_runs_from_the_phase_asked_for_on():
    seen = []
    made = program(*(phase(lambda *_, name=name: seen.append(name), units=1, needs=needs)
                     for name, needs in (("first", -1), ("second", 0), ("third", 1))))
    made.run(first=1)
    made.run(first=2)
    made.run()
    assert seen == ["second", "third", "third", "first", "second", "third"]


def test_all_units_are_done_once_by_any_number_of_threads(threads):
    counts, guard = Counter(), threading.Lock()

    def count(_, unit):
        with guard:
            counts[unit] += 1

    phases = [phase(count, units=100)]
    made = program(*phases, workers=threads)
    for _ in range(20):
        run(made, phases)
    assert counts == dict.fromkeys(range(100), 20)


# --- Order ---


def test_a_phase_that_needs_another_starts_after_all_its_units_are_finished(threads):
    finished, workers, early = [], set(), []

    def first(arguments, unit):
        workers.add(threading.get_ident())
        sum(range(unit * 20_000))  # the last one is on its way for long when there is nothing left to begin
        finished.append(unit)

    def second(arguments, unit):
        if len(finished) != units:
            early.append(len(finished))

    units = 2 * threads
    phases = [phase(first, units), phase(lambda *_: None, units=1), phase(second, units, needs=0)]
    made = program(*phases, workers=threads)
    for _ in range(PATIENCE_SECONDS):  # helpers may be late for a job
        finished.clear()
        run(made, phases)
        assert early == []
        if len(workers) == threads:
            break
    assert len(workers) > 1


def test_a_phase_needs_all_that_come_before_the_one_it_needs(threads):
    finished, early = [], []

    def slow(_, unit):
        sum(range(200_000))
        finished.append(unit)

    phases = [phase(slow, units=threads), phase(lambda *_: None, units=1),
              phase(lambda *_: early.append(len(finished)), units=1, needs=1)]
    made = program(*phases, workers=threads)
    for _ in range(20):
        run(made, phases)
        assert early.pop() == threads
        finished.clear()


def test_stages_follow_each_other_and_empty_ones_are_passed_over():
    def one() -> Phase:
        return phase(lambda *_: None, units=1)

    phases = in_turn([[one()], [one(), one()], [], [one(), one()], [one()]])
    assert [each.needs for each in phases] == [-1, 0, 0, 2, 2, 4]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_stopped_program_begins_no_further_phase_until_the_word_is_cleared(threads, workers):
    seen, stops = [], [True, False]

    def stop(*_):
        made.batch[STOP] = stops.pop(0)

    phases = [phase(stop, units=1), phase(lambda _, unit: seen.append(unit), units=3, needs=0)]
    made = program(*phases, workers=workers)
    run(made, phases)
    run(made, phases)
    assert (seen, stops) == ([], [False])
    made.batch[STOP] = 0
    run(made, phases)
    assert sorted(seen) == [0, 1, 2]


def test_a_phase_in_which_a_program_is_stopped_is_finished():
    seen = []

    def stop(_, unit):
        made.batch[STOP] = 1
        seen.append(unit)

    phases = [phase(stop, units=3), phase(lambda *_: seen.append("later"), units=1)]
    made = program(*phases)
    run(made, phases)
    assert seen == [0, 1, 2]


# --- Memory ---


def addresses(value: Any, units: int, capacity: int = 64) -> list[int]:
    """Where a kernel finds a buffer in each unit."""
    seen = []
    phases = [phase(lambda record, unit: seen.append(
        int(record["buffer"]["address"] + unit * record["buffer"]["stride"])), buffer=value)]
    run(program(*phases, capacity=capacity), phases, images=16 * units)
    return seen


def test_each_group_has_its_own_copy_of_a_buffer_per_group():
    first, second, third = addresses(Buffer(256, per_group=True), 3)
    assert first % ALIGNMENT == 0
    assert (second - first, third - second) == (256, 256)


def test_groups_share_a_workers_scratch_memory():
    assert len(set(addresses(Buffer(256), 3))) == 1


def test_a_fixed_array_and_a_place_in_it_are_given_as_they_are():
    array = np.zeros(8, np.float32)
    assert addresses(Fixed(array), 2) == [array.ctypes.data] * 2
    assert addresses(At(Fixed(array), 12), 2) == [array.ctypes.data + 12] * 2


def test_a_place_in_a_buffer_moves_with_its_group():
    buffer, seen = Buffer(256, per_group=True), []
    phases = [phase(lambda record, unit: seen.append((record["buffer"].tolist(), record["other"].tolist())),
                    buffer=buffer, other=At(buffer, 64))]
    run(program(*phases), phases, images=1)
    [((start, stride), (inside, inside_stride))] = seen
    assert (inside - start, inside_stride) == (64, stride) == (64, 256)


def test_a_buffer_inside_another_lies_there_and_keeps_it_alive():
    whole, other = Buffer(256), Buffer(256)
    middle = Buffer(128, inside=At(whole, 64))
    inner = Buffer(64, inside=At(middle, 32))
    seen = {}

    def record(name):
        return lambda fields, _: seen.setdefault(
            name, tuple(int(fields[key]["address"]) for key in ("buffer", "other")))

    calls = [Call(PythonKernel(record("first")), [{"buffer": inner, "other": middle}]),
             Call(PythonKernel(record("second")), [{"buffer": other, "other": other}]),
             Call(PythonKernel(record("third")), [{"buffer": whole, "other": At(inner, 4)}])]
    phases = [Phase(calls)]
    run(program(*phases, workers=1), phases, images=1)
    start, inside = seen["third"]
    assert seen["first"] == (start + 96, start + 64)
    assert inside == start + 100
    assert abs(seen["second"][0] - start) >= 256


def test_workers_have_scratch_memory_of_their_own(threads):
    seen: dict[int, set[int]] = {}
    phases = [phase(lambda record, unit: seen.setdefault(threading.get_ident(), set()).add(
        int(record["buffer"]["address"])), buffer=Buffer(256))]
    made = program(*phases, workers=threads)
    for _ in range(20):
        run(made, phases, images=64)
    assert all(len(each) == 1 for each in seen.values())
    assert len(set.union(*seen.values())) == len(seen)


def test_scratch_memory_of_buffers_that_never_live_at_once_is_shared():
    one, other, both = Buffer(256), Buffer(128), Buffer(64)
    kernel = PythonKernel(lambda *_: None)
    calls = [Call(kernel, [{"buffer": one}]), Call(kernel, [{"buffer": other, "other": both}]),
             Call(kernel, [{"buffer": both}])]
    assert program(Phase(calls)).scratch_bytes == 256


def test_array_of_shows_what_kernels_write_into_a_buffer_per_group():
    buffer = Buffer(64, per_group=True)

    def write(record, unit):
        place = record["buffer"]
        ctypes.c_int64.from_address(int(place["address"] + unit * place["stride"])).value = unit + 1

    phases = [phase(write, buffer=buffer)]
    made = program(*phases)
    run(made, phases, images=40)
    assert made.array_of(buffer, np.int64)[::8].tolist() == [1, 2, 3, 0]


def test_each_call_is_compiled_for_its_block_and_given_its_record():
    seen = []
    kernel = PythonKernel(lambda record, unit: seen.append(int(record["number"])))
    calls = [Call(kernel, [{"number": 1}]), Call(kernel, [{"number": 2}], Block(2, 3))]
    program(Phase(calls, 1)).run()
    assert seen == [1, 2]
    assert kernel.blocks == [ONE_VECTOR, Block(2, 3)]
