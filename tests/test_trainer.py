"""Training: what a step, an epoch and an evaluation do, the same for any number of threads, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import data, models, nn, optim, reference
from fastconv.data import Dataset
from fastconv.trainer import EVALUATION_BATCH
from tests.expected import in_float64, outputs
from tests.networks import assert_same_bits, normal, pixels, small_network
from tests.oracles import assert_close

TOLERANCE = 1e-5  # some hundred roundings of float32

X, LABELS = normal(0, 40, 1, 6, 6), np.arange(40) % 3
UINT8 = Dataset(pixels(0, 40, 1, 6, 6), LABELS, ("a", "b", "c"))


class Follower(fc.Callback):
    """Writes down what it is told."""

    def __init__(self):
        self.batches, self.epochs = [], []

    def on_batch_end(self, epoch, images, loss):
        self.batches.append((epoch, images, loss))

    def on_epoch_end(self, result):
        self.epochs.append(result)


def trained(model=None, dataset=UINT8, epochs=2, batch_size=17, seed=0, optimizer=None):
    """A model after `fit`, of the same weights at every call."""
    model = small_network() if model is None else model
    fc.Trainer(model, optimizer or optim.AdamW(lr=0.01)).fit(dataset, epochs, batch_size, seed=seed)
    return model


# --- Steps ---


@pytest.mark.parametrize("batch", [1, 15, 16, 17, 33])
def test_a_step_returns_the_loss_before_its_update(batch):
    model, x, labels = small_network(), X[:batch], LABELS[:batch]
    exact = outputs(model, in_float64(model.state_dict()), x.astype(np.float64))
    losses, _ = reference.cross_entropy(exact, labels)
    loss = fc.Trainer(model, optim.SGD(0.5)).step(x, labels)
    assert loss == pytest.approx(losses.mean(), rel=TOLERANCE)


def test_a_step_changes_every_parameter():
    model = small_network()
    before = model.state_dict()
    fc.Trainer(model, optim.AdamW()).step(X, LABELS)
    for name, array in model.state_dict().items():
        assert np.all(array != before[name]), name


def test_a_model_infers_with_the_weights_of_the_last_step():
    model, twin = small_network(), small_network()
    trainer = fc.Trainer(model, optim.SGD(0.5))
    for _ in range(2):
        trainer.step(X, LABELS)
        twin.load_state_dict(model.state_dict())
        np.testing.assert_array_equal(model(X), twin(X))


def test_a_step_starts_from_weights_loaded_since_the_last_one():
    model = small_network()
    start = model.state_dict()
    trainer = fc.Trainer(model, optim.SGD(0.5))
    first = trainer.step(X, LABELS)
    model.load_state_dict(start)
    assert trainer.step(X, LABELS) == first


def test_steps_on_uint8_images_normalise_them():
    model = small_network()
    model.set_images([0.3], [0.4])
    prepared = ((UINT8.images / 255 - 0.3) / 0.4).astype(np.float32)
    expected = fc.Trainer(small_network(), optim.SGD(0.5)).step(prepared, LABELS)
    assert fc.Trainer(model, optim.SGD(0.5)).step(UINT8.images, LABELS) == pytest.approx(expected, rel=TOLERANCE)


def test_the_loss_is_cross_entropy_unless_given():
    assert isinstance(fc.Trainer(small_network(), optim.SGD(0.1)).loss, nn.CrossEntropyLoss)


# --- Epochs ---


def test_lenet_learns_the_digits_in_two_epochs():
    train, test = data.digits()
    trainer = fc.Trainer(models.lenet5(), optim.AdamW(lr=3e-3))
    trainer.fit(train, epochs=2, batch_size=64, schedule=optim.OneCycle(max_lr=6e-3))
    assert trainer.evaluate(test)["accuracy"] > 0.93


def test_the_same_seed_trains_the_same_bits():
    assert_same_bits(trained(seed=3).state_dict(), trained(seed=3).state_dict())


def test_another_seed_takes_the_images_in_another_order():
    assert np.any(trained(seed=3)[4].weight != trained(seed=4)[4].weight)


@pytest.mark.parametrize("batch_size", [16, 33, 48, 99])
@pytest.mark.parametrize("name", ["lenet5", "lenet5_classic"])
@pytest.mark.parametrize("count", [2, 3])
def test_any_number_of_threads_trains_the_same_bits(num_threads, count, name, batch_size):
    train, _ = data.digits()
    few = Dataset(train.images[:100], train.labels[:100], train.classes)
    num_threads(1)
    alone = trained(models.MODELS[name](), few, epochs=1, batch_size=batch_size)
    num_threads(count)
    together = trained(models.MODELS[name](), few, epochs=1, batch_size=batch_size)
    assert_same_bits(together.state_dict(), alone.state_dict())


def test_the_number_of_threads_may_change_between_steps(num_threads):
    model, twin = models.lenet5(), models.lenet5()
    trainer, steady = fc.Trainer(model, optim.AdamW()), fc.Trainer(twin, optim.AdamW())
    x, labels = normal(0, 33, 1, 28, 28), np.arange(33) % 10
    for count in (1, 3, 2):
        num_threads(count)
        assert trainer.step(x, labels) == steady.step(x, labels)
    assert_same_bits(model.state_dict(), twin.state_dict())


def test_one_batch_of_all_images_is_one_step():
    model, twin = small_network(), small_network()
    fc.Trainer(model, optim.SGD(0.1)).fit((X, LABELS), epochs=1, batch_size=100)
    fc.Trainer(twin, optim.SGD(0.1)).step(X, LABELS)
    for name, array in model.state_dict().items():
        assert_close(array, twin.state_dict()[name], TOLERANCE)


def test_a_second_fit_goes_on_with_the_optimizers_state():
    model, twin = small_network(), small_network()
    trainer = fc.Trainer(model, optim.Adam(0.01))
    for _ in range(2):
        trainer.fit((X, LABELS), epochs=2, batch_size=40)
    fc.Trainer(twin, optim.Adam(0.01)).fit((X, LABELS), epochs=4, batch_size=40)
    for name, array in model.state_dict().items():
        assert_close(array, twin.state_dict()[name], TOLERANCE)


def test_fit_takes_what_it_knows_of_the_images_from_the_training_set():
    model = trained()
    np.testing.assert_array_equal([model.mean, model.std], [UINT8.mean, UINT8.std])
    assert (model.classes, model.input_shape) == (("a", "b", "c"), (1, 6, 6))


def test_fit_of_a_mean_squared_error_takes_labels():
    trainer = fc.Trainer(small_network(), optim.Adam(0.01), nn.MSELoss())
    results = trainer.fit(UINT8, epochs=20, batch_size=16)
    assert results[-1].loss < results[0].loss


def test_the_loss_of_an_epoch_is_the_mean_over_its_images():
    follower = Follower()
    results = fc.Trainer(small_network(), optim.SGD(0.1)).fit(UINT8, 1, batch_size=17, callbacks=[follower])
    losses = [loss for _, _, loss in follower.batches]
    assert results[0].loss == pytest.approx(np.average(losses, weights=[17, 17, 6]))


def test_callbacks_follow_every_batch_and_epoch():
    follower = Follower()
    results = fc.Trainer(small_network(), optim.SGD(0.1)).fit(UINT8, 2, batch_size=17, callbacks=[follower])
    done = [(epoch, images) for epoch, images, _ in follower.batches]
    assert done == [(epoch, images) for epoch in (1, 2) for images in (17, 34, 40)]
    assert follower.epochs == results
    assert [result.epoch for result in results] == [1, 2]


def test_validation_is_evaluated_after_every_epoch():
    held_out, follower = (X[:17], LABELS[:17]), Follower()
    trainer = fc.Trainer(small_network(), optim.SGD(0.1))
    measured = []
    follower.on_epoch_end = lambda result: measured.append(trainer.evaluate(held_out))
    results = trainer.fit((X, LABELS), epochs=3, batch_size=16, validation=held_out, callbacks=[follower])
    assert [result.validation for result in results] == measured


def test_without_validation_there_are_no_metrics():
    assert fc.Trainer(small_network(), optim.SGD(0.1)).fit(UINT8, epochs=1)[0].validation is None


def test_the_checkpoint_is_the_model_after_the_last_epoch(tmp_path):
    model, path = small_network(), tmp_path / "model.safetensors"
    fc.Trainer(model, optim.SGD(0.1)).fit(UINT8, epochs=2, checkpoint=path)
    assert_same_bits(fc.load(path).state_dict(), model.state_dict())


# --- Freezing ---


def test_a_frozen_layer_keeps_its_bits_and_the_others_learn():
    model, start = small_network(), small_network().state_dict()
    model[0].trainable = False
    state = trained(model, optimizer=optim.AdamW(0.01, weight_decay=0.5)).state_dict()
    assert_same_bits({name: state[name] for name in ("0.weight", "0.bias")},
                     {name: start[name] for name in ("0.weight", "0.bias")})
    assert np.all(state["4.weight"] != start["4.weight"])


def test_a_layer_thawed_between_steps_learns_again():
    model = small_network()
    trainer = fc.Trainer(model, optim.SGD(0.1))
    model[0].trainable = False
    trainer.step(X, LABELS)
    frozen = model.state_dict()
    model[0].trainable = True
    trainer.step(X, LABELS)
    assert np.all(model.state_dict()["0.weight"] != frozen["0.weight"])


def test_a_layer_frozen_between_steps_learns_no_more():
    model = small_network()
    trainer = fc.Trainer(model, optim.SGD(0.1, momentum=0.9))
    trainer.step(X, LABELS)
    learnt = model.state_dict()
    model[0].trainable = False
    trainer.step(X, LABELS)
    np.testing.assert_array_equal(model[0].weight, learnt["0.weight"])


def test_a_step_of_a_frozen_network_has_a_loss_and_changes_nothing():
    model = small_network()
    before, expected = model.state_dict(), fc.Trainer(small_network(), optim.SGD(0.1)).step(X, LABELS)
    model.trainable = False
    assert fc.Trainer(model, optim.SGD(0.1)).step(X, LABELS) == expected
    assert_same_bits(model.state_dict(), before)


# --- Evaluation and prediction ---


@pytest.mark.parametrize("images", [1, 16, 33, EVALUATION_BATCH + 17])
@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(0.1), nn.MSELoss()])
def test_evaluate_agrees_with_numpy(images, loss):
    model, x, labels = small_network(), normal(0, images, 1, 6, 6), np.arange(images) % 3
    y = outputs(model, in_float64(model.state_dict()), x.astype(np.float64))
    losses, _ = (reference.mse(y, np.eye(3)[labels]) if isinstance(loss, nn.MSELoss)
                 else reference.cross_entropy(y, labels, 0.1))
    metrics = fc.Trainer(model, optim.SGD(0.1), loss).evaluate((x, labels))
    assert metrics == pytest.approx({"loss": losses.mean(), "accuracy": np.mean(y.argmax(axis=1) == labels)}, rel=1e-5)


def test_evaluate_normalises_uint8_images_with_the_models_own_statistics():
    trainer = fc.Trainer(trained(), optim.SGD(0.1))
    prepared = ((UINT8.images / 255 - UINT8.mean) / UINT8.std).astype(np.float32)
    other = Dataset(UINT8.images, LABELS, UINT8.classes, mean=[0.9], std=[0.1])
    assert trainer.evaluate(other) == pytest.approx(trainer.evaluate((prepared, LABELS)), rel=TOLERANCE)


def test_evaluate_sees_the_weights_of_the_last_step():
    model, twin = small_network(), small_network()
    trainer = fc.Trainer(model, optim.SGD(0.5))
    trainer.evaluate((X, LABELS))
    trainer.step(X, LABELS)
    twin.load_state_dict(model.state_dict())
    assert trainer.evaluate((X, LABELS)) == fc.Trainer(twin, optim.SGD(0.5)).evaluate((X, LABELS))


def test_evaluate_changes_nothing():
    model = small_network()
    before = model.state_dict()
    fc.Trainer(model, optim.SGD(0.5)).evaluate(UINT8)
    assert_same_bits(model.state_dict(), before)
    assert model.mean is None


@pytest.mark.parametrize("images", [0, 1, 33])
def test_predict_is_the_place_of_the_largest_output(images):
    model = small_network()
    predicted = fc.Trainer(model, optim.SGD(0.1)).predict(normal(0, images, 1, 6, 6))
    np.testing.assert_array_equal(predicted, model(normal(0, images, 1, 6, 6)).argmax(axis=1))
