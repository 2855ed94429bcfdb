"""A training described by names and numbers."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import data, nn, optim
from fastconv.errors import DivergenceError
from fastconv.experiments.setting import Setting
from fastconv.trainer import Callback, Trainer


@pytest.fixture(scope="module")
def digits():
    train, test = data.digits()
    return (data.Dataset(train.images[:200], train.labels[:200], train.classes),
            data.Dataset(test.images[:100], test.labels[:100], test.classes))


def test_the_activation_takes_the_place_of_the_models_own():
    def kinds(activation):
        model = Setting(activation=activation).make_model(10, 0)
        return [type(layer) for layer in model if type(layer) in (nn.ReLU, nn.Tanh)]

    assert kinds(None) == [nn.ReLU] * 4
    assert kinds("tanh") == [nn.Tanh] * 4


def test_the_optimizer_has_its_own_learning_rate_unless_one_is_given():
    own = optim.OPTIMIZERS["adam"]().lr
    assert Setting(optimizer="adam").make_optimizer().lr == own
    assert Setting(optimizer="adam", lr=2 * own).make_optimizer().lr == 2 * own


def test_options_reach_the_optimizer():
    made = Setting(optimizer="momentum", options={"momentum": 0.5, "weight_decay": 0.25}).make_optimizer()
    assert (made.momentum, made.weight_decay) == (0.5, 0.25)


def test_one_cycle_has_the_optimizers_rate_at_its_top():
    schedule = Setting(schedule="one-cycle", lr=0.5).make_schedule()
    assert max(schedule.lr(step, 100, 0.5) for step in range(100)) == pytest.approx(0.5, rel=1e-2)


@pytest.mark.parametrize(("wrong", "message"), [
    ({"model": "lenet6"}, "model: expected one of lenet5, .*, got 'lenet6'"),
    ({"optimizer": "adamm"}, "optimizer: expected one of .*adam.*, got 'adamm'"),
    ({"activation": "rely"}, "activation: expected one of relu, .*, got 'rely'"),
    ({"schedule": "never"}, "schedule: expected one of constant, .*, got 'never'"),
    ({"optimizer": "adam", "options": {"momentum": 0.9}}, "adam takes lr, .*, not momentum"),
    ({"lr": -1.0}, "lr must be"),
    ({"augment": "faces"}, "expected digits, .*; got 'faces'"),
])
def test_what_is_not_known_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Setting(**wrong)


def test_the_same_seed_gives_the_same_results_and_another_one_others(digits):
    setting = Setting(epochs=2, batch_size=50)
    runs = [[(each.loss, each.validation) for each in setting.train(*digits, seed=seed)] for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_images_are_augmented_as_the_trainer_does_it(digits):
    train, test = digits
    setting = Setting(epochs=2, batch_size=50, augment="digits,mixup=0.2")
    trainer = Trainer(setting.make_model(10, seed=3), setting.make_optimizer())
    expected = trainer.fit(train, 2, 50, test, seed=3, augment=data.parse_augmentation("digits,mixup=0.2"))
    losses = [result.loss for result in setting.train(train, test, seed=3)]
    assert losses == [result.loss for result in expected]
    assert losses != [result.loss for result in Setting(epochs=2, batch_size=50).train(train, test, seed=3)]


def test_a_loss_that_is_infinite_only_on_held_out_images_is_a_divergence(digits):
    train, _ = digits
    images = train.images.astype(np.float32) / 255
    broken = data.Dataset(np.full((10, 1, 28, 28), np.inf, np.float32), np.zeros(10, np.int64), train.classes)
    seen = []

    class Seen(Callback):
        def on_epoch_end(self, result):
            seen.append(result)

    with pytest.raises(DivergenceError, match="epoch 1: the loss on images not trained on became"):
        Setting(epochs=2).train(data.Dataset(images, train.labels, train.classes), broken, 0, [Seen()])
    assert seen == []
