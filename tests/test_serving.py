"""A model inside someone's program: many threads, forks, other users of Numba, and no training code."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastconv as fc
from tests.processes import in_child

THREADS = 8
CALLS = 200
LAYERS = ("workqueue", "omp", "tbb")

#: Runs a parallel loop of the program's own beside predictions; prints "skipped" where Numba lacks the layer.
HOST = """
import numba, numpy as np, sys
from numba import njit, prange
from tests.test_serving import predicts_like_alone

@njit(parallel=True)
def total(values):
    result = 0.0
    for i in prange(values.size):
        result += values[i]
    return result

try:
    total(np.ones(1000))
except ValueError:
    print("skipped")
    sys.exit()
assert numba.threading_layer() == {layer!r}
predicts_like_alone(fc_threads=2)
assert total(np.ones(1000)) == 1000
print("done")
"""


DIGIT, PHOTO = (1, 28, 28), (3, 32, 32)


def images(seed: int, count: int = 1, shape: tuple[int, int, int] = DIGIT) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, *shape), np.float32)


def predicts_like_alone(threads: int = THREADS, calls: int = CALLS, fc_threads: int = 3, name: str = "lenet5",
                        shape: tuple[int, int, int] = DIGIT) -> bool:
    """Asserts that threads that call one model at once, with batches of 1 to 40, get the bits of serial calls."""
    fc.set_num_threads(fc_threads)
    model, sizes = fc.models.MODELS[name](), (1, 1, 1, 3, 8, 16, 17, 40)
    batches = [images(seed, sizes[seed % len(sizes)], shape) for seed in range(threads)]
    expected = [model(batch).tobytes() for batch in batches]
    wrong: list[int] = []

    def call(number: int) -> None:
        wrong.extend(number for _ in range(calls) if model(batches[number]).tobytes() != expected[number])

    workers = [threading.Thread(target=call, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
    return True


def test_eight_threads_get_the_bits_of_serial_calls(num_threads):
    predicts_like_alone()


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_threads_that_share_large_images_now_and_then_get_the_bits_of_serial_calls(num_threads, threads):
    predicts_like_alone(threads, 100, 2, "resnet8", PHOTO)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_eight_threads_of_a_child_get_the_bits_of_serial_calls(method):
    fc.models.lenet5()(images(0, 40))  # the parent has a team and sessions when it forks
    assert in_child(method, predicts_like_alone)


def outputs_of_a_fork(model: fc.nn.Layer, x: np.ndarray) -> bytes:
    """What a child made by os.fork computes."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, model(x).tobytes())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        sent = file.read()
    os.waitpid(child, 0)
    return sent


def forks_while_threads_predict() -> bool:
    model, x = fc.models.lenet5(), images(0)
    large, photo = fc.models.resnet8(), images(2, 1, PHOTO)
    expected, ended = model(x).tobytes(), threading.Event()

    def call() -> None:
        while not ended.is_set():
            model(images(1, 40))
            large(photo)
            large(photo)  # which the threads share if no other thread has come in between

    workers = [threading.Thread(target=call) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        return all(outputs_of_a_fork(model, x) == expected for _ in range(20))
    finally:
        ended.set()
        for worker in workers:
            worker.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_children_forked_while_threads_predict_compute_the_same():
    assert in_child("spawn", forks_while_threads_predict)


@pytest.mark.parametrize("layer", LAYERS)
def test_predictions_work_beside_numbas_threading_layer(layer):
    environment = {**os.environ, "NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": "2"}
    result = subprocess.run([sys.executable, "-c", HOST.format(layer=layer)], env=environment, capture_output=True,
                            text=True, timeout=240)
    assert result.returncode == 0, result.stderr
    if result.stdout.split() == ["skipped"]:
        pytest.skip(f"Numba has no threading layer {layer} here")
    assert result.stdout.split() == ["done"]


def test_threads_that_end_leave_no_sessions_behind():
    model, x = fc.models.lenet5(), images(0)
    model(x)
    for _ in range(20):
        worker = threading.Thread(target=model, args=(x,))
        worker.start()
        worker.join()
    [plan] = model._sessions._by_key.values()
    assert len(plan._alone) == 1


def test_a_loaded_model_predicts_without_training_code(tmp_path):
    model = fc.models.lenet5()
    model.set_images([0.5], [0.25], None, (1, 28, 28))
    fc.save(model, tmp_path / "model.safetensors")
    code = ("import sys, numpy, fastconv; model = fastconv.load(sys.argv[1]); "
            "model(numpy.zeros((1, 1, 28, 28), numpy.float32)); model.freeze(); print(*sys.modules)")
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.safetensors")], check=True,
                            capture_output=True, text=True)
    loaded = result.stdout.split()
    assert [name for name in loaded if name.startswith(("fastconv.trainer", "fastconv.optim"))] == []
    assert "fastconv.nn.inference" in loaded


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def growth_over_many_predictions() -> int:
    model, x = fc.models.lenet5(), images(0)

    def call(times: int) -> None:
        for _ in range(times):
            model(x)

    call(20_000)
    gc.collect()
    before = resident_bytes()
    call(100_000)
    gc.collect()
    return resident_bytes() - before


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell a process its size")
def test_memory_is_flat_over_a_hundred_thousand_predictions():
    assert in_child("spawn", growth_over_many_predictions) < 256 * 1024
