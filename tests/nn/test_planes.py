"""One image by itself agrees with the same image in a lane, for every layer that can be computed so."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastconv as fc
from fastconv import nn
from fastconv.engine import team
from fastconv.engine.builder import Builder
from fastconv.layout import LANES
from fastconv.nn import inference, sessions
from fastconv.nn.inference import MOST_ALONE, FrozenPlan
from fastconv.nn.planes import NeedsLanes
from fastconv.nn.sessions import AloneSession, InferenceSession
from tests.networks import normal
from tests.oracles import assert_close

TOLERANCE = 1e-5
FLOAT = np.dtype(np.float32)


def alone(model: nn.Layer, x: np.ndarray) -> np.ndarray:
    session = AloneSession(model, x.shape, x.dtype)
    y = np.empty((len(x), *session.output_shape), np.float32)
    session.predict(len(x), x, y, brief=True)
    return y


def in_lanes(model: nn.Layer, x: np.ndarray) -> np.ndarray:
    session = InferenceSession(model, x.shape, x.dtype)
    y = np.empty((len(x), *session.output_shape), np.float32)
    session.run(len(x), x, results=y)
    return y


def in_parts(model: nn.Layer, image: np.ndarray, threads: int, order: int) -> np.ndarray:
    """By one thread, which takes the parts of the others one after the other: the last first if `order` is -1."""

    class Ordered(Builder):
        def divided(self, kernel, block, parts, follows):
            return super().divided(kernel, block, parts[::order], follows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "Builder", Ordered)
        session = AloneSession(model, image.shape, image.dtype, threads)
    y = np.empty((1, *session.output_shape), np.float32)
    session.predict(1, image, y, brief=True)
    return y


def assert_agrees(model: nn.Layer, x: np.ndarray, tolerance: float = TOLERANCE) -> None:
    y = alone(model, x)
    assert_close(y, in_lanes(model, x), tolerance)
    for order in (1, -1):
        np.testing.assert_array_equal(in_parts(model, x[:1], 3, order), y[:1])


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[nn.Conv2d, tuple[int, int]]:
    """A convolution of any kind, and a size of images that it fits."""
    groups = draw(st.sampled_from([1, 1, 2, 5]))
    sources, targets = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    depthwise = draw(st.booleans()) and groups > 1
    sources, targets = (1, draw(st.integers(1, 2))) if depthwise else (sources, targets)
    kernel, stride, dilation = ((draw(st.integers(1, most)), draw(st.integers(1, most))) for most in (5, 3, 2))
    padding = tuple(draw(st.integers(0, 4)) for _ in range(4))
    size = tuple(dilation[axis] * (kernel[axis] - 1) + 1 + draw(st.integers(0, 20)) for axis in (0, 1))
    layer = nn.Conv2d(groups * sources, groups * targets, kernel, stride, padding, dilation, groups,
                      bias=draw(st.booleans()))
    return layer, size


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.integers(1, 3))
def test_a_convolution_of_any_window_agrees(layer_and_size, batch):
    layer, size = layer_and_size
    assert_agrees(nn.Sequential(layer, nn.ReLU()), normal(0, batch, layer.in_channels, *size))


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 8), (8, 8), (17, 33)])
@pytest.mark.parametrize("padding", [0, 1, (2, 0, 3, 1)])
def test_a_convolution_two_rows_at_a_time_agrees(size, padding):
    layer = nn.Conv2d(16, 17, 3, padding=padding)
    if min(layer.output_shape((1, 16, *size))[2:]) >= 1 if padding else min(size) >= 3:
        assert_agrees(nn.Sequential(layer, nn.ReLU()), normal(0, 2, 16, *size))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]), st.integers(1, 4), st.integers(1, 4), st.integers(0, 1),
       st.integers(4, 40), st.integers(4, 40))
def test_a_pooling_of_any_window_agrees(kind, kernel, stride, padding, height, width):
    layer = kind(kernel, stride, min(padding, kernel // 2), **({"ceil_mode": True} if kind is nn.MaxPool2d else {}))
    assert_agrees(layer, normal(0, 2, 3, height, width))


@pytest.mark.parametrize("size", [1, 5, 16, 40])
def test_the_mean_of_whole_planes_agrees(size):
    assert_agrees(nn.AdaptiveAvgPool2d(1), normal(0, 2, 5, size, size + 3))


@pytest.mark.parametrize("outputs", [1, 10, 16, 84, 120, 150])
def test_a_linear_layer_agrees(outputs):
    assert_agrees(nn.Sequential(nn.Linear(50, outputs), nn.ReLU()), normal(0, 3, 50))


def test_features_are_flattened_in_their_order_whatever_lies_between_rows():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3 * 5 * 6, 7))
    assert_agrees(model, normal(0, 2, 2, 12, 14))
    assert_agrees(model[:3], normal(0, 2, 2, 12, 14))


@pytest.mark.parametrize("layer", [
    nn.ReLU(), nn.GELU(), nn.Tanh(), nn.PReLU(3), nn.PReLU(1), nn.BatchNorm2d(3), nn.AconC(3)], ids=repr)
def test_an_activation_agrees_alone_and_behind_a_valid_convolution(layer):
    assert_agrees(layer, normal(0, 2, 3, 5, 7))
    assert_agrees(nn.Sequential(nn.Conv2d(3, 3, 3), layer), normal(0, 2, 3, 9, 8))


def test_an_activation_is_applied_once_where_gaps_are_wider_than_rows():
    assert_agrees(nn.Sequential(nn.Conv2d(1, 3, (1, 34)), nn.GELU()), normal(0, 2, 1, 1, 50))


@pytest.mark.parametrize("classes", [1, 10, 16, 37])
def test_softmax_agrees(classes):
    assert_agrees(nn.Sequential(nn.Linear(6, classes), nn.Softmax()), 30 * normal(0, 3, 6))
    pooled = nn.Sequential(nn.Conv2d(1, classes, 3, padding=1), nn.AvgPool2d(2), nn.Flatten(), nn.Softmax())
    assert_agrees(pooled, normal(0, 3, 1, 3, 3))


def test_a_sum_of_values_that_lie_differently_agrees():
    model = nn.Graph([("wide", nn.Conv2d(3, 4, 3, padding=1), "input"), ("narrow", nn.MaxPool2d(3, 1), "wide"),
                      ("other", nn.Conv2d(3, 4, 3), "input"), ("sum", nn.Add(), ("narrow", "other")),
                      ("twice", nn.Add(), ("sum", "sum")), ("relu", nn.ReLU(), "twice"),
                      ("out", nn.Add(), ("relu", "sum", "other"))])
    assert_agrees(model, normal(0, 2, 3, 9, 11))


#: Sizes of images for which the networks are small, and still have planes of several vectors.
SIZES = {"shufflenet_v2": (3, 64, 64), "se_shufflenet_v2": (3, 64, 64)}


@pytest.mark.parametrize("activation", [None, nn.MetaAconC], ids=["relu", "meta-acon"])
@pytest.mark.parametrize("name", fc.models.MODELS)
def test_a_whole_network_agrees(name, activation):
    model = fc.models.MODELS[name](activation=activation)
    shape = SIZES.get(name, getattr(model, "input_shape", None) or (1, 28, 28))
    assert_agrees(model, normal(0, 2, *shape), 5 * TOLERANCE)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 2, 3]), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 20),
       st.integers(1, 20), st.booleans())
def test_channels_put_together_and_shuffled_agree(groups, parts, height, width, is_shuffled):
    nodes = [(f"part{i}", nn.Conv2d(2, groups * count, 3, padding=1), "input") for i, count in enumerate(parts)]
    names = tuple(name for name, _, _ in nodes)
    nodes += [("concat", nn.Concat(), names), ("shuffle", nn.ChannelShuffle(groups), "concat")][:1 + is_shuffled]
    assert_agrees(nn.Graph(nodes), normal(0, 2, 2, height, width))


@pytest.mark.parametrize("size", [(1, 1), (4, 5), (9, 17)])
def test_some_of_the_channels_agree_and_leave_the_others(size):
    model = nn.Graph([("low", nn.Narrow(0, 3), "input"), ("high", nn.Narrow(2, 4), "input"),
                      ("relu", nn.ReLU(), "low"), ("gelu", nn.GELU(), "high"),
                      ("all", nn.Concat(), ("relu", "gelu", "low")), ("shuffle", nn.ChannelShuffle(5), "all")])
    assert_agrees(model, normal(0, 2, 6, *size))


def test_values_that_lie_differently_are_put_together():
    model = nn.Graph([("wide", nn.Conv2d(3, 4, 3, padding=1), "input"), ("narrow", nn.MaxPool2d(3, 1), "wide"),
                      ("other", nn.Conv2d(3, 2, 3), "input"), ("all", nn.Concat(), ("narrow", "other"))])
    assert_agrees(model, normal(0, 2, 3, 9, 11))


@pytest.mark.parametrize("joint", [nn.Concat, nn.Add, nn.Multiply])
def test_features_and_flattened_images_are_put_together_added_and_multiplied(joint):
    model = nn.Graph([("images", nn.Conv2d(2, 3, 3), "input"), ("flat", nn.Flatten(), "images"),
                      ("features", nn.Linear(36, 36), "flat"), ("one", joint(), ("flat", "features")),
                      ("two", joint(), ("features", "flat")), ("sum", nn.Add(), ("one", "two"))])
    assert_agrees(model, normal(0, 2, 2, 6, 5))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 20))
def test_squeeze_and_excitation_agrees(channels, height, width):
    assert_agrees(nn.SqueezeExcite(channels), normal(0, 2, channels, height, width))


@pytest.mark.parametrize("size", [(1, 1), (6, 7)])
def test_products_of_one_shape_agree(size):
    model = nn.Graph([("left", nn.Conv2d(3, 4, 1), "input"), ("right", nn.Conv2d(3, 4, 3, padding=1), "input"),
                      ("product", nn.Multiply(), ("left", "right"))])
    assert_agrees(model, normal(0, 2, 3, *size))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["channel", "layer", "pixel"]), st.integers(1, 40), st.integers(1, 12), st.integers(1, 20))
def test_meta_acon_agrees(design, channels, height, width):
    model = nn.Sequential(nn.Conv2d(2, channels, 3, padding=1), nn.MetaAconC(channels, 4, design))
    assert_agrees(model, normal(0, 2, 2, height, width))


@pytest.mark.parametrize("design", ["channel", "layer", "pixel"])
@pytest.mark.parametrize("features", [1, 16, 37])
def test_meta_acon_of_features_agrees(design, features):
    model = nn.Sequential(nn.Linear(5, features), nn.MetaAconC(features, 4, design))
    assert_agrees(model, normal(0, 3, 5))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 12), st.integers(1, 20), st.booleans())
def test_normalisation_of_an_image_agrees(groups, width, height, columns, affine):
    channels = groups * width
    for layer in (nn.GroupNorm(groups, channels, affine=affine),
                  nn.LayerNorm((channels, height, columns), elementwise_affine=affine)):
        model = nn.Sequential(nn.Conv2d(2, channels, 3), layer, nn.ReLU())
        for name, parameter in layer._parameters.items():
            parameter.array[...] = normal(len(name), *parameter.array.shape)
        assert_agrees(model, normal(0, 2, 2, height + 2, columns + 2))


def test_normalisation_of_features_agrees():
    for layer in (nn.GroupNorm(3, 21), nn.LayerNorm(21)):
        assert_agrees(nn.Sequential(nn.Linear(5, 21), layer), normal(0, 3, 5))


@pytest.mark.parametrize("scale", [2, (1, 3), (3, 1)])
def test_upsampling_agrees(scale):
    assert_agrees(nn.Sequential(nn.Conv2d(2, 3, 3), nn.Upsample(scale_factor=scale)), normal(0, 2, 2, 9, 7))


@pytest.mark.parametrize("kind", [nn.PReLU, nn.AconC])
def test_an_activation_with_parameters_for_each_feature_agrees(kind):
    assert_agrees(nn.Sequential(nn.Linear(5, 21), kind(21)), normal(0, 3, 5))
    assert_agrees(nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), kind(36)), normal(0, 3, 1, 6, 5))


def test_softmax_of_flattened_images_agrees():
    assert_agrees(nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Softmax()), normal(0, 3, 1, 6, 5))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.integers(4, 40), st.integers(4, 40), st.booleans(),
       st.booleans())
def test_averages_of_fewer_pixels_at_the_edges_agree(kernel, stride, padding, height, width, ceil_mode, includes):
    layer = nn.AvgPool2d(kernel, stride, min(padding, kernel // 2), ceil_mode=ceil_mode, count_include_pad=includes)
    assert_agrees(layer, normal(0, 2, 3, height, width))


def test_uint8_images_are_normalised_alone_as_in_lanes():
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1))
    model.set_images([0.3, 0.6], [0.2, 0.4])
    assert_agrees(model, np.random.default_rng(0).integers(0, 256, (2, 2, 9, 7), np.uint8))


def test_nan_reaches_only_what_sees_it():
    x = normal(0, 1, 16, 12, 12)
    x[0, 3, 0, 11] = np.nan
    for model in (nn.Conv2d(16, 16, 3, padding=1, algorithm="direct"), nn.MaxPool2d(2), nn.AvgPool2d(3, 1, 1)):
        np.testing.assert_array_equal(np.isnan(alone(model, x)), np.isnan(in_lanes(model, x)))


def test_a_network_with_a_layer_that_needs_lanes_uses_them_for_one_image():
    model, x = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ConvTranspose2d(4, 2, 3)), normal(0, 1, 2, 9, 9)
    with pytest.raises(NeedsLanes, match="ConvTranspose2d"):
        AloneSession(model, x.shape, FLOAT)
    np.testing.assert_array_equal(model(x), in_lanes(model, x))


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (2, 1), (LANES, 0), (LANES + 1, 0)])
def test_few_images_are_computed_one_by_one_and_many_in_lanes(monkeypatch, count, expected):
    built: list[int] = []
    init = Builder.__init__
    monkeypatch.setattr(Builder, "__init__", lambda self, *args, lanes=LANES, **options: (
        built.append(lanes), init(self, *args, lanes=lanes, **options))[1])
    model, x = fc.models.lenet5(), normal(0, count, 1, 28, 28)
    model(x)
    assert built == ([1] if expected else [1, LANES])
    assert MOST_ALONE < LANES


def test_a_thread_gets_the_session_it_had_before():
    model, x = fc.models.lenet5(), normal(0, 1, 1, 28, 28)
    plan = FrozenPlan(model, x.shape, FLOAT)
    plan(x)
    mine, own = threading.get_ident(), next(iter(plan._alone.values()))
    other = AloneSession(model, x.shape, FLOAT)
    plan._alone = {-1: other, mine: own}
    plan(x)
    assert plan._alone == {-1: other, mine: own}
    plan._alone = {-1: other, -2: own}
    plan(x)
    assert plan._alone == {-2: own, mine: other}


def test_a_large_image_is_shared_by_up_to_four_threads_and_a_small_one_by_none(num_threads):
    large, small = fc.models.resnet8(), fc.models.lenet5()
    for threads, expected in [(1, []), (3, [3]), (9, [4])]:
        num_threads(threads)
        plan = FrozenPlan(large, (1, 3, 32, 32), FLOAT)
        assert [session.program.workers for session in plan._divided] == expected
    assert FrozenPlan(small, (1, 1, 28, 28), FLOAT)._divided == []


@pytest.mark.parametrize(("count", "pause", "others", "expected"), [
    (1, 0.0, 0, True), (2, 0.0, 0, False), (1, 1.0, 0, False), (1, 0.0, 1, False)],
    ids=["close", "two images", "after a pause", "beside another thread"])
def test_a_single_image_is_shared_where_calls_follow_closely_and_no_other_thread_computes_one(
        monkeypatch, num_threads, count, pause, others, expected):
    num_threads(2)
    model, x = fc.models.resnet8(), normal(0, count, 3, 32, 32)
    plan, shared, clock = FrozenPlan(model, x.shape, FLOAT), [], [100.0]
    by_all = plan._by_all_threads
    monkeypatch.setattr(inference, "monotonic", lambda: clock[0])
    monkeypatch.setattr(plan._sharing, "pays", lambda: True)
    monkeypatch.setattr(plan, "_by_all_threads", lambda image: (shared.append(True), by_all(image))[1])
    first = plan(x)
    plan._made += others
    clock[0] += pause
    np.testing.assert_array_equal(plan(x), first)
    assert shared == [True] * expected


def test_an_image_that_is_computed_faster_by_one_thread_is_not_shared(monkeypatch, num_threads):
    num_threads(2)
    model, x = fc.models.resnet8(), normal(0, 1, 3, 32, 32)
    plan = FrozenPlan(model, x.shape, FLOAT)
    monkeypatch.setattr(plan._sharing, "pays", lambda: False)
    monkeypatch.setattr(plan, "_by_all_threads", None)
    for _ in range(3):
        np.testing.assert_array_equal(plan(x), alone(model, x))


def test_a_thread_that_finds_the_shared_session_taken_computes_alone(num_threads):
    num_threads(2)
    model, x = fc.models.resnet8(), normal(0, 1, 3, 32, 32)
    plan = FrozenPlan(model, x.shape, FLOAT)
    plan._divided.clear()
    np.testing.assert_array_equal(plan._by_all_threads(x), alone(model, x))


def test_a_shared_image_is_computed_with_changed_weights(num_threads):
    num_threads(2)
    model, x = fc.models.resnet8(), normal(0, 1, 3, 32, 32)
    plan = FrozenPlan(model, x.shape, FLOAT)
    plan._by_all_threads(x)
    model.load_state_dict({name: 2 * array for name, array in model.state_dict().items()})
    np.testing.assert_array_equal(plan._by_all_threads(x), alone(model, x))


def test_an_image_that_a_busy_team_cannot_share_is_computed_by_its_caller(num_threads):
    num_threads(2)
    model, x = fc.models.resnet8(), normal(0, 1, 3, 32, 32)
    plan = FrozenPlan(model, x.shape, FLOAT)
    with team.team._busy:
        np.testing.assert_array_equal(plan._by_all_threads(x), alone(model, x))


def test_a_plan_is_prepared_while_another_thread_has_its_session(monkeypatch):
    model, x = fc.models.lenet5(), normal(0, 1, 1, 28, 28)
    plan = FrozenPlan(model, x.shape, FLOAT)
    in_lanes = plan._lane_by_lane

    def taken_meanwhile(images, count):
        plan._alone.clear()
        return in_lanes(images, count)

    monkeypatch.setattr(plan, "_lane_by_lane", taken_meanwhile)
    plan.prepare()
    assert len(plan._alone) == 1


def test_a_plan_is_packed_again_only_when_weights_have_changed(monkeypatch, num_threads):
    num_threads(1)
    model, x = fc.models.resnet8(), normal(0, 1, 3, 32, 32)
    plan = FrozenPlan(model, x.shape, FLOAT)
    first = plan(x)
    [session] = plan._alone.values()
    refreshed: list[bool] = []
    must_pack = session._must_pack
    monkeypatch.setattr(session, "_must_pack", lambda: refreshed.append(must_pack()) or refreshed[-1])
    plan(x)
    settled = len(refreshed)
    plan(x)
    assert len(refreshed) == settled
    assert not any(refreshed)
    model.load_state_dict({name: 2 * array for name, array in model.state_dict().items()})
    assert np.abs(plan(x) - first).max() > 0
    assert refreshed[-1]


def test_freezing_compiles_and_packs_before_the_first_call():
    model = fc.models.lenet5()
    with pytest.raises(fc.errors.ShapeError, match=r"freeze: expected the shape of an image"):
        model.freeze()
    model.freeze((1, 28, 28))
    [plan] = model._sessions._by_key.values()
    assert (len(plan._alone), len(plan._in_lanes)) == (1, 1)
    model(normal(0, 1, 1, 28, 28))
    assert (len(plan._alone), len(plan._in_lanes)) == (1, 1)


def test_freezing_takes_the_shape_that_the_model_knows():
    model = fc.models.resnet8()
    model.freeze()
    assert len(model._sessions._by_key) == 1
