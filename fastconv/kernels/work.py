"""How one or more threads work through a job: phases of calls, each made on every unit of its phase.

A job is a table of int64; its units are claimed from shared counters, so any number of threads may take part, and
none waits for another except where a phase needs an earlier one to be finished. Which thread takes a unit changes no
result, because a unit writes only what belongs to it.

Threads meet over a control table. The leader publishes a job and works on it; helpers that watch the table join in
at once, without the GIL. A helper that comes late finds the gate closed and stays out, so the leader never waits for
a thread that has not begun.
"""

from __future__ import annotations

import platform

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastconv.kernels.abi import COUNT, IMAGES, RESULTS, pointer
from fastconv.kernels.compiling import entry_point
from fastconv.simd.native import native

# A job: how many phases it has, where it begins, the groups of images of the batch; the addresses of int64 tables with
# one entry a phase; and for each worker its calls.
PHASES = 0
FIRST = 1  # the phase to begin with; those before it count as finished
GROUPS = 2
STARTS = 3  # the first call of each phase, and the end of the last
SIZES = 4  # how many units it has; -1 for one a group
UNITS, CLAIMED, FINISHED = 5, 6, 7  # how many of them there are now, have been taken, and are finished
NEEDS = 8  # the last of the phases that must all be finished first; -1 for none
STOP = 9  # address of a word: once it is not 0, no further phase is begun
CALLS = 10  # of worker 0, then of the others: of each call the addresses of its kernel and of its first unit's record,
# and the bytes from a unit's record to the next one's, 0 where all units have the same

# The control table; the words that threads watch are on cache lines of their own.
JOB, WORKERS, TURN, GATE, CONTROL_SIZE = 0, 1, 8, 16, 24

#: In the gate, next to the number of helpers inside.
CLOSED = 1 << 32

#: How often a helper looks for the next job before it goes to sleep: 50 to 200 µs, more than a training loop's pause.
PATIENCE = 4000

#: How often a thread looks whether the GIL is free before it waits for it asleep: 30 to 50 µs.
RETURN_PATIENCE = 1000

WORD = ir.IntType(64)


@intrinsic
def _call(_typing, address, arguments, index):
    """Calls the kernel at `address`."""

    def codegen(context, builder, _signature, args):
        address, arguments, index = args
        function = ir.FunctionType(ir.VoidType(), [WORD, WORD]).as_pointer()
        builder.call(builder.inttoptr(address, function), [arguments, index])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), codegen


def _atomic(operation):
    """LLVM's operation on words[index] and a value, which returns what the word was."""

    @intrinsic
    def changed(_typing, words, index, value):
        def codegen(_context, builder, _signature, args):
            words, index, value = args
            return builder.atomic_rmw(operation, builder.gep(words, [index]), value, "seq_cst")

        return types.int64(words, types.intp, types.int64), codegen

    return changed


_add, _swap = _atomic("add"), _atomic("xchg")


@intrinsic
def _get(_typing, words, index):
    """words[index] as other threads have left it."""

    def codegen(_context, builder, _signature, args):
        return builder.load_atomic(builder.gep(args[0], [args[1]]), "seq_cst", 8)

    return types.int64(words, types.intp), codegen


def _call_intrinsic(builder, name, args):
    function = ir.FunctionType(ir.VoidType(), [arg.type for arg in args])
    builder.call(cgutils.get_or_insert_function(builder.module, function, name), args)


@intrinsic
def _pause(_typing):
    """Tells the processor that the thread is only waiting."""

    def codegen(context, builder, _signature, _args):
        if platform.machine() in ("x86_64", "AMD64"):
            _call_intrinsic(builder, "llvm.x86.sse2.pause", [])
        elif platform.machine() in ("aarch64", "arm64"):
            _call_intrinsic(builder, "llvm.aarch64.hint", [ir.Constant(ir.IntType(32), 1)])
        return context.get_dummy_value()

    return types.void(), codegen


@native
def _words(address):
    return pointer(np.int64, address)


@native
def _begin(job):
    """Makes a job ready, before any thread takes part in it."""
    sizes, units = _words(job[SIZES]), _words(job[UNITS])
    claimed, finished = _words(job[CLAIMED]), _words(job[FINISHED])
    for phase in range(job[PHASES]):
        units[phase] = job[GROUPS] if sizes[phase] < 0 else sizes[phase]
        claimed[phase] = 0
        finished[phase] = 0 if phase >= job[FIRST] else units[phase]


@native
def _work(job, worker):
    """Takes part in a job until nothing is left to begin."""
    starts, units, needs = _words(job[STARTS]), _words(job[UNITS]), _words(job[NEEDS])
    claimed, finished, stop = _words(job[CLAIMED]), _words(job[FINISHED]), _words(job[STOP])
    calls = _words(job[CALLS + worker])
    done = 0  # phases known to be finished
    for phase in range(job[FIRST], job[PHASES]):
        while done <= needs[phase]:
            while _get(finished, done) < units[done]:
                _pause()
            done += 1
        if _get(stop, 0) != 0:
            break
        while True:
            unit = _add(claimed, phase, 1)
            if unit >= units[phase]:
                break
            for i in range(starts[phase], starts[phase + 1]):
                _call(calls[3 * i], calls[3 * i + 1] + unit * calls[3 * i + 2], unit)
            _add(finished, phase, 1)


@entry_point("void(int64)")
def work_alone(job):
    """Does a whole job."""
    _begin(_words(job))
    _work(_words(job), 0)


@native
def _about(job, first, batch, count, images, results):
    """Makes a job of `count` groups of one image each begin with phase `first`. batch: address of the batch table."""
    table, words = _words(batch), _words(job)
    table[IMAGES], table[RESULTS], table[COUNT] = images.ctypes.data, results.ctypes.data, count
    words[GROUPS], words[FIRST] = count, first


@native
def _predict(job, first, batch, count, images, results):
    _about(job, first, batch, count, images, results)
    _begin(_words(job))
    _work(_words(job), 0)


@entry_point()
def predict(job, first, batch, count, images, results, taken):
    """Does the job that `_about` describes.

    taken: address of a word that is not 0 while a thread that was here is likely to hold the GIL. Before this one takes
    it back it watches that word for a while: a thread that finds the GIL taken is put to sleep.
    """
    word = _words(taken)
    word[0] = 0
    _predict(job, first, batch, count, images, results)
    patience = RETURN_PATIENCE
    while patience > 0 and (_get(word, 0) != 0 or _swap(word, 0, 1) != 0):
        patience -= 1
        _pause()


@entry_point(nogil=False)
def predict_briefly(job, first, batch, count, images, results):
    """As `predict`, holding the GIL: handing it to another thread and back costs more than 25 µs of work."""
    _predict(job, first, batch, count, images, results)


@native
def _lead(control, workers, job):
    words = _words(control)
    _begin(_words(job))
    words[JOB], words[WORKERS] = job, workers
    _add(words, GATE, -CLOSED)
    _add(words, TURN, 1)
    _work(_words(job), 0)
    _add(words, GATE, CLOSED)
    while _get(words, GATE) != CLOSED:
        _pause()


@entry_point("void(int64, int64, int64)")
def lead(control, workers, job):
    """Does a job as worker 0, with those helpers up to number workers - 1 that come in time; the gate is closed."""
    _lead(control, workers, job)


@entry_point()
def lead_prediction(control, workers, job, first, batch, images, results):
    """As `lead`, the job that `_about` describes, of one image that all threads share."""
    _about(job, first, batch, 1, images, results)
    _lead(control, workers, job)


@entry_point("void(int64, int64)")
def help_out(control, worker):
    """Joins every job that is published, and returns when there has been none for a while."""
    words = _words(control)
    last, patience = np.int64(0), PATIENCE
    while patience > 0:
        turn = _get(words, TURN)
        if turn == last:
            patience -= 1
            _pause()
            continue
        last, patience = turn, PATIENCE
        if _add(words, GATE, 1) < CLOSED and worker < words[WORKERS]:
            _work(_words(words[JOB]), worker)
        _add(words, GATE, -1)
