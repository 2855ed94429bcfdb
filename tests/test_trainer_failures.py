"""Training that goes wrong: what is refused before it begins, and what a diverging run leaves behind."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import optim
from fastconv.data import Dataset
from fastconv.errors import DataError, DivergenceError, DtypeError, ShapeError
from tests.networks import assert_same_bits, normal, pixels, small_network

X, LABELS = normal(0, 40, 1, 6, 6), np.arange(40) % 3
SPOILT = X.copy()
SPOILT[39, 0, 5, 5] = np.nan


class Jump:
    """A learning rate that is far too large after the first half of the steps."""

    def lr(self, step, steps, lr):
        return lr if step < steps / 2 else 1e30


class Remember(fc.Callback):
    """Keeps the state after each epoch."""

    def __init__(self, model):
        self.model, self.states = model, []

    def on_epoch_end(self, result):
        self.states.append(self.model.state_dict())


# --- Divergence ---


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_on_images_that_are_not_finite_changes_nothing(value):
    model, x = small_network(), X.copy()
    x[39, 0, 0, 0] = value
    before = model.state_dict()
    with pytest.raises(DivergenceError, match="the loss became nan; try a smaller learning rate, or look for NaN"):
        fc.Trainer(model, optim.AdamW()).step(x, LABELS)
    assert_same_bits(model.state_dict(), before)


@pytest.mark.parametrize("optimizer", [optim.AdamW(0.01), optim.SGD(0.1, momentum=0.9)])
def test_a_step_that_failed_leaves_no_trace_in_those_that_follow(optimizer):
    model, twin = small_network(), small_network()
    trainer, steady = fc.Trainer(model, optimizer), fc.Trainer(twin, optimizer)
    trainer.step(X, LABELS)
    with pytest.raises(DivergenceError):
        trainer.step(SPOILT, LABELS)
    trainer.step(X, LABELS)
    for _ in range(2):
        steady.step(X, LABELS)
    assert_same_bits(model.state_dict(), twin.state_dict())


def test_a_huge_learning_rate_ends_in_an_error_and_the_weights_before_it():
    model = small_network()
    trainer = fc.Trainer(model, optim.SGD(1e30))
    trainer.step(X, LABELS)
    before = model.state_dict()
    with pytest.raises(DivergenceError):
        trainer.step(X, LABELS)
    assert_same_bits(model.state_dict(), before)


def test_fit_says_in_which_batch_the_loss_was_lost():
    with pytest.raises(DivergenceError, match="epoch 1, batch 1 of 1: the loss became nan"):
        fc.Trainer(small_network(), optim.SGD(0.1)).fit((SPOILT, LABELS), epochs=2, batch_size=40)


def test_a_run_that_diverges_leaves_the_checkpoint_of_the_last_good_epoch(tmp_path):
    model, path = small_network(), tmp_path / "model.safetensors"
    remember = Remember(model)
    with pytest.raises(DivergenceError, match=r"epoch 2, batch 2 of 3: .*model\.safetensors holds the model after "
                                              "epoch 1"):
        fc.Trainer(model, optim.SGD(0.01)).fit((X, LABELS), 2, batch_size=16, schedule=Jump(), checkpoint=path,
                                               callbacks=[remember])
    assert_same_bits(fc.load(path).state_dict(), remember.states[0])


def test_a_run_that_diverges_in_its_first_epoch_writes_no_checkpoint(tmp_path):
    with pytest.raises(DivergenceError) as raised:
        fc.Trainer(small_network(), optim.SGD(0.1)).fit((SPOILT, LABELS), 2, checkpoint=tmp_path / "model.safetensors")
    assert "holds the model" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


# --- Wrong data ---


@pytest.mark.parametrize(("x", "labels", "error", "message"), [
    (X[:0], LABELS[:0], DataError, r"expected at least one image, got \(0, 1, 6, 6\)"),
    (normal(0, 4, 3, 6, 6), LABELS[:4], ShapeError, r'Conv2d "0": expected \(N, 1, H, W\), got \(4, 3, 6, 6\)'),
    (normal(0, 4, 1, 8, 8), LABELS[:4], ShapeError, r'Linear "4": expected \(N, 16\), got \(4, 36\)'),
    (X[0], LABELS[:1], ShapeError, r"got \(1, 6, 6\); a single image needs x\[None\]"),
    (X.astype(np.float64), LABELS, DtypeError, "got float64"),
    (X, LABELS[:39], ShapeError, r"expected labels \(40,\), one per image, got \(39,\)"),
    (X, LABELS + 1, DataError, "expected labels from 0 to 2, the model has 3 outputs; got 3 at index 2"),
    (X, LABELS.astype(float), DtypeError, "expected integer labels, got float64"),
])
def test_a_step_refuses_a_batch_that_does_not_fit_and_changes_nothing(x, labels, error, message):
    model = small_network()
    before = model.state_dict()
    with pytest.raises(error, match=message):
        fc.Trainer(model, optim.SGD(0.1)).step(x, labels)
    assert_same_bits(model.state_dict(), before)


@pytest.mark.parametrize(("train", "error", "message"), [
    ((normal(0, 4, 3, 6, 6), LABELS[:4]), ShapeError, r'Conv2d "0": expected \(N, 1, H, W\), got \(4, 3, 6, 6\)'),
    ((X, np.arange(40) % 4), DataError, "expected labels from 0 to 2, the model has 3 outputs; got 3 at index 3"),
    ((X, LABELS[:39]), ShapeError, "got 39 labels for 40 images"),
    (X, DtypeError, r"expected a Dataset or a pair \(images, labels\), got ndarray"),
])
def test_fit_refuses_a_training_set_that_does_not_fit_and_changes_nothing(train, error, message):
    model = small_network()
    model.set_images([0.3], [0.4], ["a", "b", "c"], (1, 6, 6))
    before = model.state_dict()
    with pytest.raises(error, match=message):
        fc.Trainer(model, optim.SGD(0.1)).fit(train, epochs=1)
    assert_same_bits(model.state_dict(), before)
    assert (model.mean.tolist(), model.classes) == ([np.float32(0.3)], ("a", "b", "c"))


@pytest.mark.parametrize(("validation", "error"), [
    ((normal(0, 4, 3, 6, 6), LABELS[:4]), ShapeError),
    ((X, np.arange(40) % 4), DataError),
    ((X, LABELS[:39]), ShapeError),
    ("digits", DtypeError),
])
def test_fit_refuses_a_validation_set_that_does_not_fit_before_the_first_epoch(validation, error):
    model = small_network()
    before = model.state_dict()
    with pytest.raises(error):
        fc.Trainer(model, optim.SGD(0.1)).fit((X, LABELS), epochs=1, validation=validation)
    assert_same_bits(model.state_dict(), before)


@pytest.mark.parametrize(("epochs", "batch_size"), [(0, 16), (-1, 16), (1, 0), (1, -16)])
def test_fit_needs_an_epoch_and_a_batch(epochs, batch_size):
    with pytest.raises(ValueError, match=f"must be at least 1, got {epochs} and {batch_size}"):
        fc.Trainer(small_network(), optim.SGD(0.1)).fit((X, LABELS), epochs, batch_size)


def test_fit_refuses_a_checkpoint_it_cannot_write_and_names_it(tmp_path):
    path = tmp_path / "missing" / "model.safetensors"
    with pytest.raises(OSError, match=r"missing.model\.safetensors"):
        fc.Trainer(small_network(), optim.SGD(0.1)).fit((X, LABELS), epochs=1, checkpoint=path)


def test_evaluate_names_the_layer_that_images_do_not_fit():
    with pytest.raises(ShapeError, match=r'Conv2d "0": expected \(N, 1, H, W\), got \(40, 3, 6, 6\)'):
        fc.Trainer(small_network(), optim.SGD(0.1)).evaluate((normal(0, 40, 3, 6, 6), LABELS))


def test_evaluate_refuses_labels_the_model_has_no_output_for():
    wrong = Dataset(pixels(0, 4, 1, 6, 6), [0, 1, 2, 3], ("a", "b", "c", "d"))
    with pytest.raises(DataError, match="the model has 3 outputs; got 3 at index 3"):
        fc.Trainer(small_network(), optim.SGD(0.1)).evaluate(wrong)


@pytest.mark.parametrize("threads", [0, -1])
def test_there_is_at_least_one_thread(threads):
    with pytest.raises(ValueError, match=str(threads)):
        fc.set_num_threads(threads)
