"""The summary of a network, against what is counted by hand."""

from __future__ import annotations

import pytest

from fastconv import nn
from fastconv.errors import ShapeError
from fastconv.nn.summary import LayerSummary, summarize
from tests.networks import small_network


def test_each_layer_has_a_line_of_its_own():
    assert summarize(small_network(), (1, 6, 6)) == [
        LayerSummary("0", repr(nn.Conv2d(1, 4, 3)), (4, 4, 4), 4 * 9 + 4, 4 * 4 * 4 * 9),
        LayerSummary("1", "ReLU()", (4, 4, 4), 0, 0),
        LayerSummary("2", repr(nn.MaxPool2d(2)), (4, 2, 2), 0, 0),
        LayerSummary("3", "Flatten()", (16,), 0, 0),
        LayerSummary("4", repr(nn.Linear(16, 3)), (3,), 16 * 3 + 3, 16 * 3),
    ]


def test_layers_inside_others_have_their_names_in_the_state_dict():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), nn.Flatten())
    assert [line.name for line in summarize(model, (1, 6, 6))] == ["0.0", "0.1", "1"]


def test_the_lines_parameters_add_up_to_the_models():
    model = small_network()
    assert sum(line.parameters for line in summarize(model, (1, 6, 6))) == model.parameter_count


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r'Conv2d "0": expected \(N, 1, H, W\), got \(1, 3, 6, 6\)'):
        summarize(small_network(), (3, 6, 6))
