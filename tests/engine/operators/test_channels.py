"""Channels put together, taken apart and shuffled: what is copied, and what has its place at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import functional, nn, reference
from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.tensor import Tensor
from fastconv.kernels.abi import IMAGES
from tests.expected import outputs
from tests.networks import normal
from tests.oracles import assert_close
from tests.random_networks import Problem, assume_smooth, channel_graphs
from tests.strategies import arrays, seeds
from tests.twins import value_and_grad_of_torch

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32
CANCELLED = 1e-6  # some ten roundings at 1: what the terms of one sum leave where they cancel


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A random graph of channels behind a layer that keeps its output or lets it be overwritten, and before another."""
    channels, image = draw(st.integers(1, 6)), (2, 4, 4)
    first = draw(st.sampled_from([nn.ReLU(), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(channels, channels, 1)]))
    layers = [nn.Conv2d(2, channels, 1), first, draw(channel_graphs(channels))]
    made = nn.Sequential(*layers).output_shape((1, *image))[1]
    layers.append(draw(st.sampled_from([nn.ReLU(), nn.Sigmoid(), nn.MaxPool2d(2), nn.BatchNorm2d(made, eps=1.0)])))
    layers += draw(st.sampled_from([[], [nn.Flatten()]]))
    model = nn.Sequential(*layers)
    model.init(draw(st.integers(0, 1000)))
    return Problem(model, nn.MSELoss(), draw(st.sampled_from([1, 17])), image, draw(st.integers(0, 1000)))


@given(problems())
def test_a_graph_of_channels_computes_what_its_nodes_say(problem):
    expected = outputs(problem.model, problem.state(), problem.x.astype(np.float64))
    assert_close(problem.model(problem.x), expected, TOLERANCE)


@given(problems())
def test_gradients_through_a_graph_of_channels_agree_with_pytorch(problem):
    pytest.importorskip("torch")
    assume_smooth(problem, training=True)
    _, expected = value_and_grad_of_torch(problem.model, problem.loss, problem.x, problem.targets)
    _, grads = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    for name, grad in expected.items():
        allowed = TOLERANCE * np.abs(grad).max() + CANCELLED
        np.testing.assert_allclose(grads[name], grad, rtol=0, atol=allowed, err_msg=name)


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 15, 17]), seeds)
def test_channel_shuffle_agrees_with_the_reference(groups, size, batch, seed):
    x = arrays(seed, batch, groups * size, 3, 5, dtype=F32)
    assert_close(functional.channel_shuffle(x, groups), reference.channel_shuffle(x, groups), 0)


def convolved(builder: Builder, x: Tensor, channels: int) -> Tensor:
    """What a 1×1 convolution makes of x."""
    weight = builder.weight(fc.engine.parameter.Parameter((channels, x.place.channels, 1, 1)),
                            (channels, x.place.channels, 1, 1))
    return operators.conv2d(builder, x, weight, None, operators.Window((1, 1)))


def kernels(builder: Builder) -> list[str]:
    return [call.kernel.__name__ for call in builder._calls]


def test_values_are_computed_where_they_are_put_together():
    builder = Builder()
    x = operators.fan_out(builder, builder.array((3, 4, 4), IMAGES), 2)
    operators.concat(builder, [convolved(builder, each, 2) for each in x])
    assert "copy" not in kernels(builder)


def test_a_value_put_together_with_itself_is_copied_once():
    builder = Builder()
    operators.concat(builder, operators.fan_out(builder, builder.array((3, 4, 4), IMAGES), 2))
    assert kernels(builder).count("copy") == 1


def test_some_of_the_channels_are_read_where_they_lie():
    builder = Builder()
    convolved(builder, operators.narrow(builder, builder.array((5, 4, 4), IMAGES), 2, 3), 2)
    assert not {"copy", "copy_channels", "clear"} & set(kernels(builder))


def test_the_gradients_of_two_halves_are_computed_where_they_belong():
    builder = Builder()
    x = builder.array((6, 4, 4), IMAGES)
    x.needs_grad = True
    halves = [operators.narrow(builder, view, start, 3)
              for view, start in zip(operators.fan_out(builder, x, 2), (0, 3), strict=True)]
    y = operators.concat(builder, [convolved(builder, half, 2) for half in halves])
    y.new_grad()
    builder.backward()
    assert x.grad.place == x.place
    assert not {"copy", "add", "clear"} & set(kernels(builder))


def test_channels_that_nobody_reads_have_a_gradient_of_zero():
    builder = Builder()
    x = builder.array((6, 4, 4), IMAGES)
    x.needs_grad = True
    convolved(builder, operators.narrow(builder, x, 2, 3), 2).new_grad()
    builder.backward()
    assert kernels(builder).count("clear") == 2


def test_two_new_sessions_of_a_split_network_have_the_same_bits(num_threads):
    model = nn.Graph([("conv", nn.Conv2d(2, 6, 3), "input"), ("left", nn.Narrow(0, 4), "conv"),
                      ("right", nn.Narrow(2, 4), "conv"), ("both", nn.Concat(), ("right", "left", "conv")),
                      ("shuffle", nn.ChannelShuffle(7), "both")])
    x, targets = normal(0, 33, 2, 6, 6), normal(1, 33, 14, 4, 4)
    before = fc.value_and_grad(model, nn.MSELoss(), x, targets)
    num_threads(1)
    after = fc.value_and_grad(model, nn.MSELoss(), x, targets)
    assert before[0] == after[0]
    for name, grad in before[1].items():
        np.testing.assert_array_equal(grad, after[1][name])
