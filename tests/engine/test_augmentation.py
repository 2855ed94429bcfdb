import pytest

from fastconv.data import Augmentation
from fastconv.engine.augmentation import epoch_key


def test_an_augmentation_prints_what_it_does():
    assert repr(Augmentation(shift=2, scale=[0.9, 1.1])) == "Augmentation(shift=2, scale=(0.9, 1.1))"


@pytest.mark.parametrize(("options", "message"), [
    ({"shift": -1}, "shift from 0 to 1e"), ({"shift": float("nan")}, "shift"), ({"flip": 1.5}, "flip from 0 to 1, got"),
    ({"rotate": 200}, "rotate from 0 to 180"), ({"shear": 90}, "shear"), ({"mixup": 2}, "mixup from 0 to 1"),
    ({"scale": (0, 1)}, "scale"), ({"scale": (2, 1)}, "scale"), ({"scale": (1, float("inf"))}, "scale"),
    ({"scale": (1,)}, "scale"), ({"crop": 1.5}, "crop to be whole"), ({"cutout": 0.5}, "cutout to be whole"),
    ({"elastic": 5, "elastic_sigma": 0.4}, "elastic_sigma from 0.5, got 0.4"),
])
def test_numbers_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**options)


def test_every_seed_and_epoch_has_a_key_of_its_own():
    keys = {epoch_key(seed, epoch) for seed in range(50) for epoch in range(1, 50)}
    assert len(keys) == 50 * 49
    assert all(-2**63 <= key < 2**63 for key in keys)
