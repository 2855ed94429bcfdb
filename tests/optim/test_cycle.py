"""Schedules that rise again, against PyTorch's."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fastconv import optim
from tests.rates import LR, assert_rates, rates, rates_of_torch

lengths = st.integers(1, 300)


@given(steps=st.integers(1, 300), max_lr=st.floats(1e-4, 10), pct_start=st.floats(0.0, 1.0),
       div_factor=st.floats(1, 100), final_div_factor=st.floats(1, 1e5))
def test_one_cycle_is_that_of_pytorch(steps, max_lr, pct_start, div_factor, final_div_factor):
    assume(pct_start * steps != 1)  # PyTorch divides by zero there
    options = {"max_lr": max_lr, "pct_start": pct_start, "div_factor": div_factor, "final_div_factor": final_div_factor}
    expected = rates_of_torch("OneCycleLR", steps, total_steps=steps, anneal_strategy="cos", cycle_momentum=False,
                              **options)
    assert_rates(optim.OneCycle(**options), expected)


@pytest.mark.parametrize(("steps", "pct_start"), [(10, 0.1), (1, 1.0), (4, 0.25)])
def test_one_cycle_begins_at_its_maximum_where_the_rise_is_one_step(steps, pct_start):
    assert rates(optim.OneCycle(2.0, pct_start), steps)[0] == 2.0


@given(steps=lengths, first=st.integers(1, 50), mult=st.integers(1, 3), eta_min=st.floats(0.0, LR))
def test_cosine_warm_restarts_are_pytorchs(steps, first, mult, eta_min):
    options = {"T_0": first, "T_mult": mult, "eta_min": eta_min}
    expected = rates_of_torch("CosineAnnealingWarmRestarts", steps, **options)
    assert_rates(optim.CosineWarmRestarts(**options), expected)


def test_a_seventh_of_the_run_makes_three_cosines_each_twice_as_long():
    made = rates(optim.CosineWarmRestarts(), 70)
    assert [step for step in range(70) if made[step] == LR] == [0, 10, 30]


@given(steps=lengths, up=st.integers(1, 40), down=st.none() | st.integers(1, 40),
       mode=st.sampled_from(["triangular", "triangular2", "exp_range"]), gamma=st.floats(0.9, 1.0))
def test_cyclical_rates_are_pytorchs(steps, up, down, mode, gamma):
    options = {"base_lr": 0.1, "max_lr": 0.7, "step_size_up": up, "step_size_down": down, "mode": mode,
               "gamma": gamma}
    expected = rates_of_torch("CyclicLR", steps, cycle_momentum=False, **options)
    assert_rates(optim.Cyclic(**options), expected)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: optim.CosineWarmRestarts(T_0=0), "T_0 must be at least 1 step, got 0"),
    (lambda: optim.CosineWarmRestarts(T_mult=0), "T_mult must be an integer of at least 1, got 0"),
    (lambda: optim.Cyclic(-0.1, 0.1), r"base_lr must be at least 0, got -0\.1"),
    (lambda: optim.Cyclic(0.1, 0.2, mode="sine"), "mode must be triangular, triangular2 or exp_range, got 'sine'"),
    (lambda: optim.Cyclic(0.1, 0.2, step_size_down=0), "step_size_down must be at least 1 step, got 0"),
    (lambda: optim.OneCycle(float("nan")), "max_lr must be at least 0, got nan"),
    (lambda: optim.OneCycle(0.1, pct_start=1.5), r"pct_start must be from 0 to 1, got 1\.5"),
    (lambda: optim.OneCycle(0.1, div_factor=0.0), r"div_factor must be above 0, got 0\.0"),
])
def test_what_makes_no_schedule_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
