"""Learning-rate schedules: against PyTorch, and as `fit` follows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import optim
from tests.networks import normal, small_network

DATA = normal(0, 40, 1, 6, 6), np.arange(40) % 3


def rates(schedule, steps):
    return [schedule.lr(step, steps, 0.5) for step in range(steps)]


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@given(steps=st.integers(1, 300), max_lr=st.floats(1e-4, 10), pct_start=st.floats(0.0, 1.0),
       div_factor=st.floats(1, 100), final_div_factor=st.floats(1, 1e5))
def test_one_cycle_is_that_of_pytorch(steps, max_lr, pct_start, div_factor, final_div_factor):
    torch = pytest.importorskip("torch")
    assume(pct_start * steps != 1)  # PyTorch divides by zero there
    options = {"max_lr": max_lr, "pct_start": pct_start, "div_factor": div_factor, "final_div_factor": final_div_factor}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, total_steps=steps, anneal_strategy="cos",
                                                 cycle_momentum=False, **options)
    expected = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        theirs.step()
        expected.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates(optim.OneCycle(**options), steps), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("steps", "pct_start"), [(10, 0.1), (1, 1.0), (4, 0.25)])
def test_one_cycle_begins_at_its_maximum_where_the_rise_is_one_step(steps, pct_start):
    assert rates(optim.OneCycle(2.0, pct_start), steps)[0] == 2.0


def test_constant_is_the_optimizers_own_rate():
    assert rates(optim.Constant(), 3) == [0.5, 0.5, 0.5]


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
