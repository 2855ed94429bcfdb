"""Learning-rate schedules: against PyTorch, and as `fit` follows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import optim
from fastconv.optim import SCHEDULES
from tests.networks import normal, small_network
from tests.rates import LR, assert_rates, rates, rates_of_torch

DATA = normal(0, 40, 1, 6, 6), np.arange(40) % 3

lengths = st.integers(1, 300)


def test_constant_is_the_optimizers_own_rate():
    assert rates(optim.Constant(), 3) == [0.5, 0.5, 0.5]


@given(steps=lengths, end_factor=st.floats(0.0, 1.0))
def test_linear_decay_is_pytorchs_linear_lr_over_the_whole_run(steps, end_factor):
    expected = rates_of_torch("LinearLR", steps, start_factor=1.0, end_factor=end_factor, total_iters=steps)
    assert_rates(optim.LinearDecay(end_factor), expected)


@given(steps=lengths, end_factor=st.floats(1e-4, 1.0))
def test_exponential_decay_is_pytorchs_with_the_factor_of_one_step(steps, end_factor):
    expected = rates_of_torch("ExponentialLR", steps, gamma=end_factor ** (1 / steps))
    assert_rates(optim.ExponentialDecay(end_factor), expected)


@given(steps=lengths, step_size=st.integers(1, 100), gamma=st.floats(0.1, 1.0))
def test_step_decay_is_pytorchs(steps, step_size, gamma):
    expected = rates_of_torch("StepLR", steps, step_size=step_size, gamma=gamma)
    assert_rates(optim.StepDecay(step_size, gamma), expected)


@given(steps=lengths, eta_min=st.floats(0.0, LR))
def test_cosine_is_pytorchs_over_the_whole_run(steps, eta_min):
    assert_rates(optim.Cosine(eta_min), rates_of_torch("CosineAnnealingLR", steps, T_max=steps, eta_min=eta_min))


@given(steps=lengths, span=st.integers(1, 400), start_factor=st.floats(0.01, 1.0))
def test_a_warm_up_to_a_constant_is_pytorchs_linear_lr(steps, span, start_factor):
    expected = rates_of_torch("LinearLR", steps, start_factor=start_factor, total_iters=min(span, steps))
    assert_rates(optim.Warmup(optim.Constant(), span, start_factor), expected)


def test_a_warm_up_ends_where_the_other_schedule_begins_with_the_steps_that_are_left():
    schedule = optim.Warmup(optim.LinearDecay(), 4, start_factor=0.0)
    assert rates(schedule, 8) == pytest.approx([0, LR / 4, LR / 2, 3 * LR / 4, LR, 3 * LR / 4, LR / 2, LR / 4])
    assert rates(optim.Warmup(schedule, 2, 0.0), 10)[2:] == rates(schedule, 8)


def test_a_warm_up_longer_than_the_run_never_gets_there():
    assert rates(optim.Warmup(optim.Cosine(), 10, 0.0), 4) == pytest.approx([0, LR / 4, LR / 2, 3 * LR / 4])


@given(steps=st.integers(2, 300), first=st.integers(1, 200), gamma=st.floats(0.5, 1.0))
def test_a_sequence_gives_each_schedule_its_part_of_the_run(steps, first, gamma):
    first = min(first, steps)
    parts = optim.Cosine(), optim.StepDecay(7, gamma)
    assert_rates(optim.Sequence(parts, (first,)), [*rates(parts[0], first), *rates(parts[1], steps - first)])


def test_a_sequence_is_that_of_pytorch():
    def make(torch, optimizer):
        schedules = torch.optim.lr_scheduler
        return schedules.SequentialLR(optimizer, [
            schedules.LinearLR(optimizer, 0.5, total_iters=10), schedules.ExponentialLR(optimizer, 0.9),
            schedules.ConstantLR(optimizer, 1.0)], milestones=[10, 30])

    parts = optim.Warmup(optim.Constant(), 10, 0.5), optim.ExponentialDecay(0.9**20), optim.Constant()
    assert_rates(optim.Sequence(parts, (10, 30)), rates_of_torch(make, 40))


@pytest.mark.parametrize(("steps", "expected"), [(10, [1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.1]),
                                                 (4, [1, 1, 0.1, 0.1]), (1, [1])])
def test_a_share_of_the_run_is_as_many_steps(steps, expected):
    assert rates(optim.StepDecay(0.5), steps) == pytest.approx([LR * factor for factor in expected])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 1000])
def test_every_schedule_by_name_stays_between_0_and_the_highest_rate_and_reaches_it_in_a_long_run(name, steps):
    made = rates(SCHEDULES[name](LR), steps)
    assert min(made) >= 0
    assert max(made) <= LR * (1 + 1e-12)
    if steps == 1000:
        assert max(made) == pytest.approx(LR, rel=0.01 if name != "exp-range" else 0.2)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: optim.LinearDecay(-0.1), r"end_factor must be at least 0, got -0\.1"),
    (lambda: optim.ExponentialDecay(0.0), r"end_factor must be above 0, got 0\.0"),
    (lambda: optim.StepDecay(0), "step_size must be at least 1 step, got 0"),
    (lambda: optim.StepDecay(1.5), r"step_size must be a number of steps, or a share of them .* got 1\.5"),
    (lambda: optim.Cosine(-1.0), r"eta_min must be at least 0, got -1\.0"),
    (lambda: optim.Warmup(optim.Constant(), 0.0), r"span must be a number of steps, or a share .* got 0\.0"),
    (lambda: optim.Sequence((optim.Constant(),), (3,)), "a milestone between any two schedules, got 1 for 1"),
    (lambda: rates(optim.Sequence((optim.Constant(),) * 3, (5, 3)), 9), "milestones must not decrease"),
])
def test_what_makes_no_schedule_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_fit_reports_the_last_rate_of_each_epoch():
    schedule = optim.OneCycle(max_lr=0.1)
    results = fc.Trainer(small_network(), optim.SGD(0.5)).fit(DATA, epochs=3, batch_size=16, schedule=schedule)
    assert [result.lr for result in results] == [schedule.lr(step, 9, 0.5) for step in (2, 5, 8)]


def test_fit_without_a_schedule_uses_the_optimizers_rate():
    results = fc.Trainer(small_network(), optim.SGD(0.05)).fit(DATA, epochs=2, batch_size=16)
    assert [result.lr for result in results] == [0.05, 0.05]


def test_a_rate_of_zero_leaves_the_weights():
    class Standstill:
        def lr(self, step, steps, lr):
            return 0.0

    model = small_network()
    before = model.state_dict()
    fc.Trainer(model, optim.Adam(0.5)).fit(DATA, epochs=1, batch_size=16, schedule=Standstill())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
