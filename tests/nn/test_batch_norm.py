"""BatchNorm2d: against PyTorch in training and in inference, and what it keeps."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn, optim
from fastconv.errors import DivergenceError, DtypeError, ShapeError
from fastconv.nn.fusion import FoldedNorm, fused
from tests.networks import assert_same_bits, normal
from tests.oracles import assert_close
from tests.twins import assert_trains_as_torch, step_of_torch, to_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
TRAINED = 1e-4  # a few steps, each of which passes on the roundings of those before it
CANCELLED = 1e-6  # what is left of gradients that are zero, as that of a shift before another normalisation

batches = pytest.mark.parametrize("batch", [2, 15, 16, 17, 33])
momenta = pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0, None])


def network(**options) -> nn.Sequential:
    """A normalisation of images, one that a ReLU follows and one that joins a residual block's sum."""
    block = nn.Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4, **options)))
    model = nn.Sequential(nn.BatchNorm2d(2, **options), nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, **options), nn.ReLU(),
                          block, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    model.init(1)
    return model


def batch_of(seed: int, count: int):
    """Images far from mean 0 and variance 1, and labels."""
    return 3 * normal(seed, count, 2, 7, 5) + 20, np.arange(count) % 3


@batches
@pytest.mark.parametrize("affine", [False, True])
def test_loss_and_gradients_are_those_of_pytorch(torch, batch, affine):
    model, (x, labels) = network(affine=affine), batch_of(0, batch)
    assert_trains_as_torch(model, x, labels, TOLERANCE, TOLERANCE)


@batches
@momenta
def test_weights_and_running_statistics_are_those_of_pytorch_after_five_steps(torch, batch, momentum):
    model = network(momentum=momentum)
    twin, trainer = to_torch(model).train(), fc.Trainer(model, optim.SGD(lr=0.05))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05)
    for step in range(5):
        x, labels = batch_of(step, batch)
        step_of_torch(twin, optimizer, x, labels)
        trainer.step(x, labels)
    expected = {name: array.numpy() for name, array in twin.state_dict().items()}
    assert model.state_dict().keys() == expected.keys()
    for name, array in model.state_dict().items():
        allowed = TRAINED * np.abs(expected[name]).max() + CANCELLED
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=allowed, err_msg=name)
    x, _ = batch_of(99, batch)
    with torch.no_grad():
        assert_close(model(x), twin.eval()(torch.tensor(x).double()).numpy(), TRAINED)


def test_training_has_the_same_bits_for_any_number_of_threads(num_threads):
    states = []
    for count in (1, 2, 3):
        num_threads(count)
        model = network()
        trainer = fc.Trainer(model, optim.Adam(lr=0.01))
        for step in range(3):
            trainer.step(*batch_of(step, 50))
        states.append(model.state_dict())
    assert_same_bits(states[1], states[0])
    assert_same_bits(states[2], states[0])


def test_large_means_do_not_cancel_small_variances():
    model = nn.Sequential(nn.BatchNorm2d(1, eps=0.0))
    x = 1000 + 0.01 * normal(0, 40, 1, 6, 6)
    fc.Trainer(model, optim.SGD(lr=0.0), nn.MSELoss()).step(x, np.zeros_like(x))
    variance = model.state_dict()["0.running_var"] - 0.9
    assert_close(variance, 0.1 * x.astype(np.float64).var(axis=(0, 2, 3), ddof=1), 1e-2)


def test_only_a_trainer_changes_the_running_statistics():
    model, (x, labels) = network(), batch_of(0, 17)
    before = model.state_dict()
    model(x)
    fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    fc.Trainer(model, optim.SGD(lr=0.1)).evaluate((x, labels))
    assert_same_bits(model.state_dict(), before)
    fc.Trainer(model, optim.SGD(lr=0.1)).step(x, labels)
    assert model.state_dict()["0.num_batches_tracked"] == 1


def test_a_step_that_diverges_changes_no_statistic():
    model, (x, labels) = network(), batch_of(0, 17)
    before = model.state_dict()
    x[3, 0, 0, 0] = np.nan
    with pytest.raises(DivergenceError):
        fc.Trainer(model, optim.SGD(lr=0.1)).step(x, labels)
    assert_same_bits(model.state_dict(), before)


def test_a_frozen_layer_uses_its_running_statistics_and_keeps_them():
    model, (x, labels) = network(), batch_of(0, 17)
    fc.Trainer(model, optim.SGD(lr=0.1)).step(x, labels)
    expected = fc.Trainer(model, optim.SGD(lr=0.1)).evaluate((x, labels))["loss"]
    for _, leaf in model.leaves():
        leaf.trainable = not isinstance(leaf, nn.BatchNorm2d)
    before = model.state_dict()
    loss, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    assert loss == pytest.approx(expected, rel=TOLERANCE)
    assert grads.keys() == {"1.weight", "1.bias", "4.body.0.weight", "8.weight", "8.bias"}
    fc.Trainer(model, optim.SGD(lr=0.1)).step(x, labels)
    assert_same_bits({name: array for name, array in model.state_dict().items() if name not in grads},
                     {name: array for name, array in before.items() if name not in grads})


def test_inference_follows_new_weights_and_statistics():
    model, (x, labels) = network(), batch_of(0, 17)
    first = model(x)
    fc.Trainer(model, optim.SGD(lr=0.1)).step(x, labels)
    fresh = network()
    fresh.load_state_dict(model.state_dict())
    assert np.abs(model(x) - first).max() > 0.01
    np.testing.assert_array_equal(model(x), fresh(x))


def test_inference_makes_it_part_of_the_convolution_before_it():
    conv, norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
    network = nn.Sequential(conv, norm, nn.ReLU()).expansion()
    assert fused(network, training=False)[0].does == FoldedNorm(conv, norm)
    assert fused(network, training=True)[0].does is conv


def test_drawing_anew_forgets_the_statistics():
    model = network()
    fc.Trainer(model, optim.SGD(lr=0.1)).step(*batch_of(0, 17))
    model.init(1)
    assert_same_bits(model.state_dict(), network().state_dict())


def test_averages_come_with_the_statistics_of_the_model():
    model, data = network(), batch_of(0, 17)
    trainer = fc.Trainer(model, optim.SGD(lr=0.1), average=optim.PolyakAverage())
    trainer.step(*data)
    averaged = network()
    averaged.load_state_dict(trainer.averaged())
    assert trainer.evaluate(data, averaged=True) == fc.Trainer(averaged, optim.SGD(lr=0.1)).evaluate(data)


def test_a_saved_layer_comes_back_with_its_statistics(tmp_path):
    model, (x, labels) = network(), batch_of(0, 17)
    fc.Trainer(model, optim.SGD(lr=0.1)).step(x, labels)
    fc.save(model, tmp_path / "model.safetensors")
    loaded = fc.load(tmp_path / "model.safetensors")
    assert_same_bits(loaded.state_dict(), model.state_dict())
    np.testing.assert_array_equal(loaded(x), model(x))


def test_a_count_of_steps_must_be_an_integer():
    layer = nn.BatchNorm2d(2)
    with pytest.raises(DtypeError, match="num_batches_tracked: expected integer values, got float64"):
        layer.load_state_dict(layer.state_dict() | {"num_batches_tracked": np.array(1.0)})


@pytest.mark.parametrize(("options", "message"), [
    ({"num_features": 0}, "num_features must be at least 1, got 0"),
    ({"num_features": 2, "eps": -1.0}, "eps must not be negative, got -1.0"),
    ({"num_features": 2, "momentum": 1.5}, "momentum must be from 0 to 1, got 1.5"),
])
def test_arguments_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        nn.BatchNorm2d(**options)


def test_another_number_of_channels_is_refused():
    with pytest.raises(ShapeError, match=r"BatchNorm2d: expected \(N, 3, H, W\), got \(5, 2, 4, 4\)"):
        nn.BatchNorm2d(3)(normal(0, 5, 2, 4, 4))
