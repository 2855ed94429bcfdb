"""Which layers are worth looking at."""

from __future__ import annotations

import pytest

from fastconv import models, nn
from fastconv.explain import stages


def test_a_stage_of_lenet5_ends_at_the_activation():
    assert stages(models.lenet5(), (1, 28, 28)) == ["1", "4"]


def test_a_stage_of_a_residual_network_ends_behind_the_sum():
    names = stages(models.resnet8(), (3, 32, 32), most=100)
    assert names[0] == "act1"
    assert "layer1.0.act2" in names
    assert "layer1.0.conv2" not in names


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_no_more_are_chosen_than_asked_for_and_the_first_is_one(most):
    names = stages(models.resnet20(), (3, 32, 32), most)
    assert len(names) == most
    assert names[0] == "act1"


def test_what_has_no_maps_has_no_stages():
    assert stages(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (1, 2, 2)) == []
    assert stages(models.lenet5_classic(), (1, 28, 28)) == ["1", "4"]  # its third convolution makes 1×1
