"""Training on augmented images."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import data, models, nn, optim
from fastconv.data import Augmentation
from fastconv.engine.augmentation import epoch_key
from tests.networks import assert_same_bits, small_network

RNG = np.random.default_rng(0)
DATASET = data.Dataset(RNG.integers(0, 256, (50, 1, 6, 6), dtype=np.uint8), RNG.integers(0, 3, 50), list("abc"))
EVERYTHING = Augmentation(shift=1, crop=1, flip=0.5, rotate=15, scale=(0.9, 1.1), shear=5, elastic=3, elastic_sigma=1,
                          cutout=2, mixup=0.4)


def trained(augment, seed=0):
    model = small_network()
    model.init(1)
    trainer = fc.Trainer(model, optim.SGD(lr=0.05, momentum=0.9))
    results = trainer.fit(DATASET, epochs=2, batch_size=17, seed=seed, augment=augment)
    return model, results


def test_the_same_seed_trains_the_same_bits_for_any_number_of_threads():
    before, found = fc.get_num_threads(), []
    try:
        for threads in (1, 2):
            fc.set_num_threads(threads)
            found.append(trained(EVERYTHING)[0].state_dict())
    finally:
        fc.set_num_threads(before)
    assert_same_bits(*found)


def test_networks_with_batch_norm_train_the_same_bits_for_any_number_of_threads():
    """There a mixed image and its targets are made in phases that different threads may run."""
    rng, before, found = np.random.default_rng(0), fc.get_num_threads(), []
    dataset = rng.integers(0, 256, (70, 1, 6, 6), dtype=np.uint8), rng.integers(0, 3, 70)
    try:
        for threads in (1, 2, 3):
            fc.set_num_threads(threads)
            model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
            model.init(1)
            fc.Trainer(model, optim.SGD(lr=0.05)).fit(dataset, epochs=2, batch_size=40, augment=EVERYTHING)
            found.append(model.state_dict())
    finally:
        fc.set_num_threads(before)
    assert_same_bits(*found[:2])
    assert_same_bits(*found[1:])


def test_training_goes_on_from_an_epoch_with_nothing_but_its_number():
    """Two epochs, beside one of them and then what `fit` does in the second."""
    whole = trained(EVERYTHING)[0].state_dict()
    model = small_network()
    model.init(1)
    trainer = fc.Trainer(model, optim.SGD(lr=0.05, momentum=0.9))
    trainer.fit(DATASET, epochs=1, batch_size=17, seed=0, augment=EVERYTHING)
    order = np.random.default_rng([0, 2]).permutation(50)
    with trainer._session(DATASET.images, 17, EVERYTHING) as session:
        for start in range(0, 50, 17):
            trainer._step(session, DATASET.images, order[start:start + 17], DATASET.labels, 0.05, epoch_key(0, 2))
    assert_same_bits(model.state_dict(), whole)


def test_every_epoch_sees_other_images():
    """With a learning rate too small to change anything, the loss changes with the images only."""
    model = small_network()
    trainer = fc.Trainer(model, optim.SGD(lr=1e-30))
    losses = [result.loss for result in trainer.fit(DATASET, epochs=3, augment=EVERYTHING)]
    assert len(set(losses)) == 3
    again = [result.loss for result in trainer.fit(DATASET, epochs=3, augment=EVERYTHING)]
    assert again == losses
    plain = [result.loss for result in trainer.fit(DATASET, epochs=3)]
    assert max(plain) - min(plain) < 1e-5


def test_no_augmentation_is_the_same_as_one_that_does_nothing():
    assert_same_bits(trained(None)[0].state_dict(), trained(Augmentation())[0].state_dict())


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.MSELoss()])
def test_lenet_learns_digits_that_are_moved_turned_and_mixed(loss):
    train, test = data.digits()
    trainer = fc.Trainer(models.lenet5(), optim.AdamW(lr=3e-3), loss=loss)
    trainer.fit(train, epochs=3, augment=Augmentation(shift=1, rotate=10, mixup=0.2))
    assert trainer.evaluate(test)["accuracy"] > 0.93


@pytest.mark.parametrize(("augment", "message"), [
    ("digits", r"got 'digits'; a text becomes one by data\.parse_augmentation\('digits'\)$"),
    ({"shift": 1}, r"expected augment to be an Augmentation or None, got \{'shift': 1\}$"),
])
def test_what_is_no_augmentation_is_refused(augment, message):
    with pytest.raises(TypeError, match=message):
        trained(augment)
