"""Many threads of one program at once: none disturbs another, and none ends the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

import fastconv as fc
from tests.processes import in_child

THREADS = 8
ROUNDS = 5
PATIENCE_SECONDS = 300


@pytest.fixture(autouse=True)
def team_of_three():
    """More threads than some machines have CPUs, so that teams form everywhere."""
    before = fc.get_num_threads()
    fc.set_num_threads(3)
    yield
    fc.set_num_threads(before)


def at_once(*works: Callable[[], None]) -> None:
    """Runs each function on a thread of its own, all of them starting together, and raises the first error."""
    together = threading.Barrier(len(works), timeout=PATIENCE_SECONDS)
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            together.wait()
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def images(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 28, 28), np.uint8)


def batches() -> list[np.ndarray]:
    """For each thread a batch of another size: less than a group of lanes, part of one, several."""
    return [images(seed, count) for seed, count in enumerate((1, 2, 15, 16, 17, 40, 100, 300))]


def test_eight_threads_that_call_one_model_get_the_bits_of_serial_calls():
    model = fc.models.lenet5()
    expected = [model(batch).tobytes() for batch in batches()]
    found: list[list[bytes]] = [[] for _ in range(THREADS)]

    def caller(number: int, batch: np.ndarray) -> Callable[[], None]:
        return lambda: found[number].extend(model(batch).tobytes() for _ in range(ROUNDS))

    at_once(*(caller(number, batch) for number, batch in enumerate(batches())))
    for calls, bits in zip(found, expected, strict=True):
        assert calls == [bits] * ROUNDS


def test_threads_whose_calls_draw_the_parameters_of_a_new_model_all_see_the_same_ones():
    expected = fc.models.lenet5()(images(0, 20)).tobytes()
    for _ in range(ROUNDS):
        model, found = fc.models.lenet5(), []
        at_once(*[lambda model=model, found=found: found.append(model(images(0, 20)).tobytes())] * THREADS)
        assert found == [expected] * THREADS


def test_eight_threads_with_a_model_each_get_the_bits_of_serial_calls():
    models = [fc.models.lenet5() for _ in range(THREADS)]
    for seed, model in enumerate(models):
        model.init(seed)
    expected = [model(batch).tobytes() for model, batch in zip(models, batches(), strict=True)]
    fresh = [fc.models.lenet5() for _ in range(THREADS)]
    found: dict[int, bytes] = {}

    def caller(seed: int) -> Callable[[], None]:
        def call() -> None:
            fresh[seed].init(seed)
            found[seed] = fresh[seed](batches()[seed]).tobytes()

        return call

    at_once(*map(caller, range(THREADS)))
    assert [found[seed] for seed in range(THREADS)] == expected


def test_threads_that_evaluate_with_one_trainer_all_measure_the_same():
    trainer = fc.Trainer(fc.models.lenet5(), fc.optim.SGD(lr=0.1))
    data = images(0, 500), np.arange(500) % 10
    expected, found = trainer.evaluate(data), []
    at_once(*[lambda: found.append(trainer.evaluate(data))] * THREADS)
    assert found == [expected] * THREADS


def test_threads_that_compute_gradients_of_one_model_get_the_bits_of_serial_calls():
    model, loss = fc.models.lenet5(), fc.nn.CrossEntropyLoss()

    def gradients(seed: int) -> tuple[float, dict[str, bytes]]:
        value, by_name = fc.value_and_grad(model, loss, images(seed, 70), np.arange(70) % 10)
        return value, {name: gradient.tobytes() for name, gradient in by_name.items()}

    expected = [gradients(seed) for seed in range(THREADS)]
    found: dict[int, object] = {}
    at_once(*(lambda seed=seed: found.update({seed: gradients(seed)}) for seed in range(THREADS)))
    assert [found[seed] for seed in range(THREADS)] == expected


def fit(model: fc.nn.Layer, **options: object) -> None:
    train, _ = fc.data.digits()
    trainer = fc.Trainer(model, fc.optim.AdamW(lr=3e-3))
    trainer.fit((train.images[:1000], train.labels[:1000]), epochs=3, batch_size=64, **options)


def test_inference_during_training_changes_no_bit_of_it_and_sees_the_final_weights_afterwards():
    alone, watched = fc.models.lenet5(), fc.models.lenet5()
    fit(alone)
    ended = threading.Event()
    x = images(1, 40)

    def train() -> None:
        try:
            fit(watched)
        finally:
            ended.set()

    def watch() -> None:
        while not ended.is_set():
            assert np.isfinite(watched(x)).all()

    at_once(train, watch, watch)
    for name, weight in alone.state_dict().items():
        assert watched.state_dict()[name].tobytes() == weight.tobytes(), name
    assert watched(x).tobytes() == alone(x).tobytes()


def losses_by_many_threads() -> tuple[list[list[float]], list[list[float]]]:
    """The losses of steps that change nothing: by one thread, and by many that share a trainer."""
    fc.set_num_threads(3)
    trainer = fc.Trainer(fc.models.lenet5(), fc.optim.SGD(lr=0.0))
    sizes = range(1000 - THREADS, 1000)  # the same whole groups, so that one session could serve them all

    def steps(seed: int) -> list[float]:
        return [trainer.step(images(seed, sizes[seed]), np.arange(sizes[seed]) % 10) for _ in range(ROUNDS)]

    expected = [steps(seed) for seed in range(THREADS)]
    found: dict[int, list[float]] = {}
    at_once(*(lambda seed=seed: found.update({seed: steps(seed)}) for seed in range(THREADS)))
    return expected, [found[seed] for seed in range(THREADS)]


def test_threads_that_share_a_trainer_get_the_losses_of_serial_steps():
    expected, found = in_child("spawn", losses_by_many_threads)
    assert found == expected


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_no_bit_of_the_outputs(threads):
    model = fc.models.lenet5()
    expected = [model(batch).tobytes() for batch in batches()]
    fc.set_num_threads(threads)
    assert [model(batch).tobytes() for batch in batches()] == expected


def outputs_before_and_after_new_weights(model: fc.nn.Layer, x: np.ndarray) -> tuple[bytes, np.ndarray]:
    before = model(x).tobytes()
    model.load_state_dict({name: np.zeros_like(weight) for name, weight in model.state_dict().items()})
    return before, model(x)


def test_a_model_sent_to_another_process_follows_its_weights_there():
    model, x = fc.models.lenet5(), images(0, 20)
    for seed in range(5):
        model.init(seed)
    before, after = in_child("spawn", outputs_before_and_after_new_weights, model, x)
    assert before == model(x).tobytes()
    assert not after.any()
