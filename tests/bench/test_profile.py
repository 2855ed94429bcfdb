"""Profiles of networks, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import models, nn
from fastconv_bench.profile import profile
from tests.networks import assert_same_bits, small_network

CONV1 = 2.0 * 6 * (28 * 5 - 6)**2  # 134 taps inside the image along each axis
CONV2 = 2.0 * 6 * 16 * 25 * 100


def by_name(result):
    return {row.name: row for row in result.rows}


def test_the_rows_of_lenet5_name_what_is_fused():
    result = profile(models.lenet5(), (1, 28, 28), batch_size=17, repeats=2)
    assert {row.name: row.layers for row in result.rows} == {
        "images": "", "0, 1": "Conv2d + ReLU", "2": "MaxPool2d", "3, 4": "Conv2d + ReLU",
        "5, 6": "MaxPool2d + Flatten", "7, 8": "Linear + ReLU", "9, 10": "Linear + ReLU", "11": "Linear", "loss": ""}


def test_operations_are_counted_without_the_padding_and_without_the_first_input_gradient():
    rows = by_name(profile(models.lenet5(), (1, 28, 28), batch_size=17, repeats=1))
    assert rows["0, 1"].costs["forward"].flop == rows["0, 1"].costs["backward"].flop == 17 * CONV1
    assert rows["3, 4"].costs["forward"].flop == 17 * CONV2
    assert rows["3, 4"].costs["backward"].flop == 2 * 17 * CONV2
    assert rows["11"].costs["backward"].flop == 4.0 * 17 * 84 * 10
    assert rows["2"].costs["forward"].flop == 0


def test_layers_that_are_frozen_have_no_update():
    model = small_network()
    model[0].trainable = False
    rows = by_name(profile(model, (1, 6, 6), batch_size=16, repeats=1))
    assert set(rows["0, 1"].costs) == {"forward"}
    assert set(rows["4"].costs) == {"forward", "backward", "update"}
    assert rows["4"].costs["backward"].flop == 2.0 * 16 * 16 * 3


def test_inference_has_no_backward_pass_and_folds_batch_normalisation():
    result = profile(models.resnet8(), (3, 32, 32), batch_size=16, training=False, repeats=1)
    assert {direction for row in result.rows for direction in row.costs} == {"forward"}
    assert [row.layers for row in result.rows[1:5]] == [
        "Conv2d + BatchNorm2d + ReLU", "Conv2d + BatchNorm2d + ReLU", "Conv2d + BatchNorm2d", "Add + ReLU"]
    assert result.rows[-1].name == "results"


@pytest.mark.parametrize("model", [
    models.resnet8(),
    nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.GELU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3)),
    nn.Residual(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.PReLU())),
], ids=["resnet8", "maps", "sum"])
@pytest.mark.parametrize("training", [True, False])
def test_every_layer_is_in_one_row_and_every_call_too(model, training):
    result = profile(model, (3, 32, 32), batch_size=16, training=training, repeats=3)
    names = [name for row in result.rows if row.layers for name in row.name.split(", ")]
    assert sorted(names) == sorted(name for name, _ in model.leaves())
    medians = sum(cost.median for row in result.rows for cost in row.costs.values())
    assert result.total <= result.summed.best * 1.0001
    assert medians < 3 * result.summed.median


def test_parameters_are_counted_once():
    result = profile(models.lenet5(), (1, 28, 28), batch_size=16, repeats=1)
    assert sum(row.parameter_bytes for row in result.rows) == 4 * models.lenet5().parameter_count
    assert 0 < result.scratch_bytes < sum(row.group_bytes for row in result.rows)


def test_neither_the_model_nor_the_number_of_threads_changes():
    model, threads = small_network(), fc.get_num_threads()
    before = model.state_dict()
    profile(model, (1, 6, 6), batch_size=16, repeats=1)
    assert_same_bits(model.state_dict(), before)
    assert fc.get_num_threads() == threads


@pytest.mark.slow
def test_the_rows_add_up_to_the_program():
    result = profile(models.lenet5(), (1, 28, 28), batch_size=128, repeats=200)
    assert abs(result.difference) < 0.1
    assert np.isfinite(result.peak)
