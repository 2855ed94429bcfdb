"""What a trainer keeps beside the model: groups of parameters, clipping, averages, and its state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import nn, optim
from fastconv.errors import DivergenceError, ShapeError
from fastconv.optim import OPTIMIZERS
from tests.networks import assert_same_bits, normal, small_network
from tests.oracles import assert_close
from tests.strategies import seeds
from tests.twins import to_torch
from tests.updates import Stepper

TOLERANCE = 1e-5
STEPS = 5
LABELS = np.arange(17) % 3
BATCHES = [normal(seed, 17, 1, 6, 6) for seed in range(STEPS)]
NAMES = list(small_network().state_dict())


def torch_steps(model, make, clip=lambda parameters: None, after=lambda twin: None):
    """The parameters of the same network in PyTorch after a step on each batch.  make: the optimizer, of the twin."""
    torch = pytest.importorskip("torch")
    twin = to_torch(model)
    optimizer = make(twin)
    for x in BATCHES:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(twin(torch.tensor(x).double()), torch.tensor(LABELS)).backward()
        clip(twin.parameters())
        optimizer.step()
        after(twin)
    return {name: tensor.numpy() for name, tensor in twin.state_dict().items()}


def train(model, optimizer, **options):
    """The trainer after a step on each batch."""
    trainer = fc.Trainer(model, optimizer, **options)
    for x in BATCHES:
        trainer.step(x, LABELS)
    return trainer


def assert_all_close(state, expected):
    for name, array in state.items():
        assert_close(array, expected[name], TOLERANCE)


# --- Groups ---


def test_groups_have_hyper_parameters_of_their_own():
    torch = pytest.importorskip("torch")
    model = small_network()
    expected = torch_steps(model, lambda twin: torch.optim.AdamW([
        {"params": [twin[0].weight, twin[4].weight], "weight_decay": 0.5},
        {"params": [twin[0].bias], "weight_decay": 0.0},
        {"params": [twin[4].bias], "weight_decay": 0.0, "lr": 0.1}], lr=0.02))
    train(model, optim.AdamW(0.02, weight_decay=0.5),
          parameter_groups={"*.bias": {"weight_decay": 0.0}, "4.bias": {"lr": 0.1}})
    assert_all_close(model.state_dict(), expected)


def test_groups_may_need_other_buffers_than_the_rest():
    torch = pytest.importorskip("torch")
    model = small_network()
    expected = torch_steps(model, lambda twin: torch.optim.SGD([
        {"params": [twin[0].weight, twin[4].weight]}, {"params": [twin[0].bias, twin[4].bias], "momentum": 0.9}],
        lr=0.1))
    trainer = train(model, optim.SGD(0.1), parameter_groups={"*.bias": {"momentum": 0.9}})
    assert_all_close(model.state_dict(), expected)
    assert set(trainer.state_dict()) == {"steps", "seed", "optimizer.0.bias.velocity", "optimizer.4.bias.velocity"}


def test_a_schedule_scales_the_rate_of_a_group_as_it_scales_the_optimizers():
    data, start = (BATCHES[0], LABELS), small_network().state_dict()
    moved = []
    for groups in ({}, {"4.*": {"lr": 0.3}}):
        model = small_network()
        trainer = fc.Trainer(model, optim.SGD(0.1), parameter_groups=groups)
        trainer.fit(data, epochs=1, batch_size=17, schedule=optim.OneCycle(max_lr=0.5, pct_start=0.0))
        moved.append({name: array - start[name] for name, array in model.state_dict().items()})
    np.testing.assert_allclose(moved[1]["4.weight"], 3 * moved[0]["4.weight"], rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(moved[1]["0.weight"], moved[0]["0.weight"])


@pytest.mark.parametrize(("groups", "message"), [
    ({"*.gamma": {"lr": 0.1}}, r"no parameter matches '\*\.gamma'; there are 0\.weight, 0\.bias, 4\.weight, 4\.bias"),
    ({"*.bias": {"betas": (0.9, 0.9)}}, "SGD has no hyper-parameter 'betas'; it has lr, momentum, nesterov, weight_d"),
    ({"*.bias": {"momentum": -1}}, "momentum must be at least 0, got -1"),
])
def test_groups_that_make_no_sense_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        fc.Trainer(small_network(), optim.SGD(0.1), parameter_groups=groups)


def test_the_progress_of_an_optimizer_is_no_hyper_parameter():
    with pytest.raises(ValueError, match="SWATS has no hyper-parameter 'average'; it has lr, betas, eps, tolerance"):
        fc.Trainer(small_network(), optim.SWATS(), parameter_groups={"*": {"average": 1.0}})


# --- Clipping ---


@pytest.mark.parametrize("max_norm", [0.01, 0.5, 100.0])
def test_clipping_by_the_norm_is_that_of_pytorch(max_norm):
    torch = pytest.importorskip("torch")
    model = small_network()
    expected = torch_steps(model, lambda twin: torch.optim.SGD(twin.parameters(), lr=0.5, momentum=0.9),
                           lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, max_norm))
    train(model, optim.SGD(0.5, momentum=0.9), clip_grad_norm=max_norm)
    assert_all_close(model.state_dict(), expected)


@pytest.mark.parametrize("most", [0.001, 0.02, 100.0])
def test_clipping_by_value_is_that_of_pytorch(most):
    torch = pytest.importorskip("torch")
    model = small_network()
    expected = torch_steps(model, lambda twin: torch.optim.SGD(twin.parameters(), lr=0.5, momentum=0.9),
                           lambda parameters: torch.nn.utils.clip_grad_value_(parameters, most))
    train(model, optim.SGD(0.5, momentum=0.9), clip_grad_value=most)
    assert_all_close(model.state_dict(), expected)


@given(seed=seeds, size=st.integers(1, 5000), scale=st.sampled_from([1e-6, 1.0, 1e6]),
       cuts=st.lists(st.integers(1, 5000), max_size=5))
def test_the_norm_of_a_gradient_is_exact_to_a_few_roundings(seed, size, scale, cuts):
    grad = normal(seed, size) * np.float32(scale)
    norm = np.linalg.norm(grad.astype(np.float64))
    stepper = Stepper(optim.SGD(1.0), np.zeros(size, np.float32), [cut for cut in cuts if cut < size],
                      clip_grad_norm=0.5 * float(norm))
    stepper.step(grad)
    assert_close(stepper.theta, -grad * (0.5 * norm / (norm + 1e-6)), 1e-6)


def test_clipping_lets_nan_pass_as_pytorch_does():
    stepper = Stepper(optim.SGD(1.0), np.zeros(3, np.float32), clip_grad_value=1.0)
    stepper.step([np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(stepper.theta, [np.nan, -1, 1])


@pytest.mark.parametrize("options", [{"clip_grad_norm": 0.1}, {"clip_grad_value": 0.01},
                                     {"average": optim.ExponentialAverage(0.9)}], ids=str)
@pytest.mark.parametrize("count", [2, 3])
def test_any_number_of_threads_trains_the_same_bits(num_threads, count, options):
    states = []
    for number in (1, count):
        num_threads(number)
        model = fc.models.lenet5()
        trainer = fc.Trainer(model, optim.AdamW(), **options)
        for step in range(3):
            trainer.step(normal(step, 40, 1, 28, 28), np.arange(40) % 10)
        states.append((model.state_dict(), trainer.state_dict()))
    assert_same_bits(states[1][0], states[0][0])
    assert_same_bits(states[1][1], states[0][1])


def test_a_norm_that_is_infinite_changes_nothing():
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    start = {name: np.float32(1e15) * array for name, array in model.state_dict().items()}
    model.load_state_dict(start)
    trainer = fc.Trainer(model, optim.SGD(0.1, momentum=0.9), nn.MSELoss(), clip_grad_norm=1.0)
    with pytest.raises(DivergenceError, match="the gradient's norm became infinite; try a smaller learning rate"):
        trainer.step(np.float32(1e3) * BATCHES[0], LABELS)
    assert_same_bits(model.state_dict(), start)
    assert trainer.steps == 0


def test_a_frozen_network_has_no_norm_to_clip():
    model = small_network()
    start = model.state_dict()
    model.trainable = False
    train(model, optim.SWATS(), clip_grad_norm=1.0)
    assert_same_bits(model.state_dict(), start)


@pytest.mark.parametrize(("options", "message"), [
    ({"clip_grad_norm": 1.0, "clip_grad_value": 1.0}, "give one of clip_grad_norm and clip_grad_value"),
    ({"clip_grad_norm": 0.0}, r"clip_grad_norm must be above 0, got 0\.0"),
    ({"clip_grad_value": np.nan}, "clip_grad_value must be above 0, got nan"),
])
def test_clipping_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fc.Trainer(small_network(), optim.SGD(0.1), **options)


# --- Averages ---


def iterates(model, **options):
    """The trainer after a step on each batch, and the parameters after each step."""
    trainer, states = fc.Trainer(model, optim.SGD(0.5, momentum=0.9), **options), []
    for x in BATCHES:
        trainer.step(x, LABELS)
        states.append(model.state_dict())
    return trainer, states


@pytest.mark.parametrize(("average", "weights"), [
    (optim.PolyakAverage(), [1, 1, 1, 1, 1]),
    (optim.PolyakAverage(start=3), [0, 0, 1, 1, 1]),
    (optim.PolyakAverage(weights=lambda step: step**2), [1, 4, 9, 16, 25]),
    (optim.PolyakAverage(weights=lambda step: float(step != 1)), [0, 1, 1, 1, 1]),
    (optim.ExponentialAverage(0.5), [1 / 16, 1 / 16, 1 / 8, 1 / 4, 1 / 2]),
], ids=["uniform", "from the third", "weighted", "without the first", "exponential"])
def test_an_average_is_the_weighted_mean_of_the_iterates(average, weights):
    trainer, states = iterates(small_network(), average=average)
    for name, array in trainer.averaged().items():
        expected = np.average([state[name].astype(np.float64) for state in states], axis=0, weights=weights)
        assert_close(array, expected, 1e-6)


@pytest.mark.parametrize(("average", "name"), [(optim.PolyakAverage(), "get_swa_multi_avg_fn"),
                                               (optim.ExponentialAverage(0.9), "get_ema_multi_avg_fn")])
def test_averages_are_those_of_pytorchs_averaged_model(average, name):
    torch = pytest.importorskip("torch")
    swa, model = pytest.importorskip("torch.optim.swa_utils"), small_network()
    function = getattr(swa, name)(*([0.9] if "ema" in name else []))
    theirs = []

    def follow(twin):
        theirs[:] = theirs or [swa.AveragedModel(twin, multi_avg_fn=function)]
        theirs[0].update_parameters(twin)

    torch_steps(model, lambda twin: torch.optim.SGD(twin.parameters(), lr=0.1), after=follow)
    averages = train(model, optim.SGD(0.1), average=average).averaged()
    assert_all_close(averages, {name: tensor.numpy() for name, tensor in theirs[0].module.state_dict().items()})


def test_averaging_does_not_change_the_training():
    _, plain = iterates(small_network())
    _, averaged = iterates(small_network(), average=optim.PolyakAverage())
    for one, other in zip(plain, averaged, strict=True):
        assert_same_bits(one, other)


def test_a_frozen_layers_average_is_its_value_also_when_it_thaws():
    model = small_network()
    frozen = model.state_dict()["0.weight"]
    model[0].trainable = False
    trainer = fc.Trainer(model, optim.SGD(0.5), average=optim.PolyakAverage())
    trainer.step(BATCHES[0], LABELS)
    np.testing.assert_array_equal(trainer.averaged()["0.weight"], frozen)
    model[0].trainable = True
    trainer.step(BATCHES[1], LABELS)
    assert_close(trainer.averaged()["0.weight"], (frozen + model.state_dict()["0.weight"]) / 2, 1e-6)


def test_evaluation_with_the_averages_leaves_the_model_as_it_is():
    model, twin = small_network(), small_network()
    trainer, states = iterates(model, average=optim.PolyakAverage())
    twin.load_state_dict(trainer.averaged())
    data = BATCHES[0], LABELS
    assert trainer.evaluate(data, averaged=True) == fc.Trainer(twin, optim.SGD(0.1)).evaluate(data)
    assert trainer.evaluate(data, averaged=True) != trainer.evaluate(data)
    assert_same_bits(model.state_dict(), states[-1])


def test_without_an_average_there_is_none():
    with pytest.raises(ValueError, match="no averages are kept: give the Trainer an average"):
        fc.Trainer(small_network(), optim.SGD(0.1)).averaged()
    with pytest.raises(ValueError, match="no step has been averaged yet, of 5 made"):
        train(small_network(), optim.SGD(0.1), average=optim.PolyakAverage(start=6)).averaged()


def test_averages_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"decay must be at least 0 and less than 1, got 1\.0"):
        optim.ExponentialAverage(1.0)
    with pytest.raises(ValueError, match="the weight of step 1 must be at least 0, got -1"):
        train(small_network(), optim.SGD(0.1), average=optim.PolyakAverage(lambda step: -step))


# --- State ---


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_resumed_from_a_state_has_the_bits_of_an_uninterrupted_one(name):
    def make(model):
        optimizer = OPTIMIZERS[name](**({"tolerance": 0.05} if name == "swats" else {}))
        return fc.Trainer(model, optimizer, average=optim.ExponentialAverage(0.5), clip_grad_norm=0.5,
                          parameter_groups={"*.bias": {"lr": 0.01}})

    def steps(trainer, batches):
        for x in batches:
            trainer.step(x, LABELS)

    model, resumed = small_network(), small_network()
    trainer = make(model)
    steps(trainer, BATCHES * 2)
    state, weights = trainer.state_dict(), model.state_dict()
    steps(trainer, BATCHES)
    resumed.load_state_dict(weights)
    continued = make(resumed)
    continued.load_state_dict(state)
    steps(continued, BATCHES)
    assert_same_bits(resumed.state_dict(), model.state_dict())
    assert_same_bits(continued.state_dict(), trainer.state_dict())
    assert continued.optimizer == trainer.optimizer
    assert_same_bits(continued.averaged(), trainer.averaged())


def test_a_state_is_a_copy_and_no_training_changes_it():
    trainer = train(small_network(), optim.Adam())
    state = trainer.state_dict()
    before = {name: array.copy() for name, array in state.items()}
    trainer.step(BATCHES[0], LABELS)
    assert_same_bits(state, before)


def test_a_state_has_a_name_for_every_array():
    trainer = train(small_network(), optim.Adam(), average=optim.PolyakAverage())
    arrays = {f"optimizer.{name}.{kind}" for name in NAMES for kind in "mv"} | {f"average.{name}" for name in NAMES}
    state = trainer.state_dict()
    assert set(state) == {"steps", "seed", "averaged"} | arrays
    assert int(state["steps"]) == STEPS
    assert state["optimizer.0.weight.m"].shape == (4, 1, 3, 3)


@pytest.mark.parametrize(("change", "message"), [
    (lambda state: state | {"optimizer.9.m": np.zeros(1)}, r"missing \[\], unknown \['optimizer\.9\.m'\]"),
    (lambda state: {name: array for name, array in state.items() if name != "steps"}, r"missing \['steps'\]"),
    (lambda state: state | {"optimizer.0.bias.v": np.zeros(5)},
     r"optimizer\.0\.bias\.v: expected shape \(4,\), got \(5,\)"),
])
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change, message):
    trainer = train(small_network(), optim.Adam())
    before = trainer.state_dict()
    with pytest.raises(ShapeError, match=message):
        trainer.load_state_dict(change(before))
    assert_same_bits(trainer.state_dict(), before)
