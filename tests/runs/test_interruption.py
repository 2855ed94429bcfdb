import signal

import pytest

import fastconv as fc
from fastconv.runs.interruption import Interruption
from tests.trainings import fit, trainer


class Signal(fc.Callback):
    """Ctrl-C after some steps."""

    def __init__(self, *steps):
        self.steps, self.done = steps, 0

    def on_batch_end(self, epoch, images, loss):
        self.done += 1
        for _ in range(self.steps.count(self.done)):
            signal.raise_signal(signal.SIGINT)


def test_the_first_ctrl_c_ends_a_training_between_two_steps():
    training, before = trainer(), signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert fit(training, Signal(7), interruption)[-1].epoch == 1
    assert interruption.asked
    assert (training.steps, training.progress.batches) == (7, 2)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_ctrl_c_works_as_ever():
    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        fit(trainer(), Signal(7, 7), interruption)


def test_without_ctrl_c_nothing_ends():
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert len(fit(trainer(), interruption)) == 3
    assert not interruption.asked
    assert signal.getsignal(signal.SIGINT) is before
