"""Activations inside networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import explain, models, nn
from tests.expected import in_float64, values
from tests.networks import normal, pixels, small_network
from tests.oracles import assert_close
from tests.random_networks import problems


@given(problems())
def test_the_activations_of_every_layer_agree_with_the_reference(problem):
    expected = values(problem.model, problem.state(), problem.x.astype(np.float64))
    for number, (name, _) in enumerate(problem.model.leaves(), 1):
        assert_close(explain.features(problem.model, problem.x, name), expected[number], 1e-4)


def test_inside_a_graph_only_what_leads_to_the_layer_is_computed():
    model = models.resnet8()
    names = [name for name, _ in model.leaves()]
    part = explain.part.Part(model, names[4])
    assert len(list(part.leaves())) < len(names) / 2
    assert [name for name, _ in part.leaves()] == names[:len(list(part.leaves()))]


def test_uint8_images_are_normalised_as_for_the_model():
    model, images = small_network(), pixels(0, 17, 1, 6, 6)
    model.set_images([0.3], [0.4])
    expected = values(model, in_float64(model.state_dict()), (images / 255 - np.float32(0.3)) / np.float32(0.4))
    assert_close(explain.features(model, images, "0"), expected[1], 1e-5)


def test_weights_are_drawn_as_those_of_the_whole_network():
    model, other = small_network(), small_network()
    explain.features(model, normal(0, 1, 1, 6, 6), "0")
    np.testing.assert_array_equal(model[4].weight, other[4].weight)


def test_an_unknown_layer_is_an_error_that_names_those_there_are():
    with pytest.raises(ValueError, match="no layer is called '9'; there are '0', '1', '2', '3', '4'"):
        explain.features(small_network(), normal(0, 1, 1, 6, 6), "9")
    with pytest.raises(ValueError, match=r"no layer is called 'stack1\.conv'; there are"):
        explain.features(models.resnet8(), normal(0, 1, 3, 32, 32), "stack1.conv")


def test_the_output_of_one_layer_alone_is_its_own():
    layer, x = nn.ReLU(), normal(0, 3, 2, 4, 4)
    np.testing.assert_array_equal(explain.features(layer, x, ""), np.maximum(x, 0))
