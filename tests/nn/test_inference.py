"""Calling a model: what batches it takes, how it normalises them, and that it changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import get_num_threads, nn
from fastconv.errors import DtypeError, ShapeError
from fastconv.kernels import work
from fastconv.nn import inference
from fastconv.nn.inference import CHUNK
from tests.networks import BATCH_SIZES, assert_same_bits, normal, pixels, small_network
from tests.oracles import assert_close

TOLERANCE = 1e-6  # some ten roundings of float32
COLOURS = [0.5, 0.4, 0.3], [0.25, 0.2, 0.1]

positive_batch_sizes = pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])


def by_channel(values):
    return np.reshape(values, (3, 1, 1))


@positive_batch_sizes
def test_uint8_images_are_scaled_and_normalised_by_channel(batch):
    model, images = nn.Flatten(), pixels(0, batch, 3, 5, 4)
    model.set_images(*COLOURS)
    expected = ((images / 255 - by_channel(COLOURS[0])) / by_channel(COLOURS[1])).reshape(batch, -1)
    assert_close(model(images), expected, TOLERANCE)


def test_uint8_images_are_scaled_alone_where_no_statistics_are_known():
    images = pixels(0, 17, 3, 5, 4)
    assert_close(nn.Flatten()(images), images.reshape(17, -1) / 255, TOLERANCE)


def test_every_pixel_value_is_scaled():
    images = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    np.testing.assert_allclose(nn.Flatten()(images)[0], np.arange(256) / 255, rtol=TOLERANCE)


def test_float32_images_are_taken_as_they_are():
    model, x = nn.Flatten(), normal(0, 17, 3, 5, 4)
    model.set_images(*COLOURS)
    np.testing.assert_array_equal(model(x), x.reshape(17, -1))


def test_one_mean_and_std_normalise_every_channel():
    model, images = nn.Flatten(), pixels(0, 17, 3, 5, 4)
    model.set_images([0.5], [0.25])
    assert_close(model(images), ((images / 255 - 0.5) / 0.25).reshape(17, -1), TOLERANCE)


def test_statistics_of_other_channels_are_refused():
    model = nn.Flatten()
    model.set_images([0.5, 0.5], [1.0, 1.0])
    with pytest.raises(ShapeError, match="the model normalises 2 channels, the images have 3"):
        model(pixels(0, 17, 3, 5, 4))


def test_padding_is_zero_after_normalisation():
    layer, images = nn.Conv2d(1, 1, 3, padding=1, bias=False), pixels(0, 17, 1, 4, 4)
    layer.set_images([0.5], [0.25])
    prepared = ((images / 255 - 0.5) / 0.25).astype(np.float32)
    assert_close(layer(images), layer(prepared), TOLERANCE)


@positive_batch_sizes
def test_each_image_has_the_same_output_alone_as_in_a_batch(batch):
    model, x = small_network(), normal(0, batch, 1, 6, 6)
    alone = np.concatenate([model(image[None]) for image in x])
    assert_close(model(x), alone, TOLERANCE)


@positive_batch_sizes
def test_nan_in_one_image_reaches_no_other(batch):
    model, x = small_network(), normal(0, batch, 1, 6, 6)
    x[batch // 2] = np.nan
    assert np.isnan(model(x)).all(axis=1).tolist() == [i == batch // 2 for i in range(batch)]


def test_a_batch_of_nan_leaves_no_trace_in_the_next_smaller_one():
    model, x = small_network(), normal(0, 3, 1, 6, 6)
    expected = model(x)
    model(np.full((33, 1, 6, 6), np.nan, np.float32))
    np.testing.assert_array_equal(model(x), expected)


def test_a_batch_of_more_than_a_chunk_is_computed_to_its_end():
    x = normal(0, CHUNK + 17, 1, 1, 2)
    np.testing.assert_array_equal(nn.ReLU()(x), np.maximum(x, 0))


def test_outputs_are_of_the_caller():
    model, x = small_network(), normal(0, 17, 1, 6, 6)
    first = model(x)
    kept = first.copy()
    model(normal(1, 17, 1, 6, 6))
    np.testing.assert_array_equal(first, kept)


def test_a_call_like_the_last_one_sees_what_has_changed_since():
    model, images = nn.Flatten(), pixels(0, 1, 3, 5, 4)
    model(images)
    model.set_images(*COLOURS)
    expected = ((images / 255 - by_channel(COLOURS[0])) / by_channel(COLOURS[1])).reshape(1, -1)
    assert_close(model(images), expected, TOLERANCE)
    assert_close(model(images.astype(np.float32)), images.reshape(1, -1), TOLERANCE)
    assert_close(model(images[..., :2]), expected.reshape(images.shape)[..., :2].reshape(1, -1), TOLERANCE)
    assert_close(model(np.repeat(images, 2, 0)), np.repeat(expected, 2, 0), TOLERANCE)
    assert model(images[:0]).shape == (0, 60)
    with pytest.raises(DtypeError):
        model(images.astype(np.float64))


def test_what_another_thread_changes_during_a_call_counts_from_the_next_one_on(monkeypatch):
    model, images, plan = nn.Flatten(), pixels(0, 1, 3, 5, 4), inference.plan

    def change_meanwhile(*about):
        found = plan(*about)
        model.set_images(*COLOURS)
        return found

    monkeypatch.setattr(inference, "plan", change_meanwhile)
    model(images)
    monkeypatch.undo()
    expected = ((images / 255 - by_channel(COLOURS[0])) / by_channel(COLOURS[1])).reshape(1, -1)
    assert_close(model(images), expected, TOLERANCE)


def test_the_number_of_threads_counts_from_the_next_call_on(num_threads):
    model, x, threads = small_network(), normal(0, 1, 1, 6, 6), get_num_threads()
    model(x)
    before = model._sessions.latest
    num_threads(threads + 1)
    model(x)
    assert model._sessions.latest is not before
    num_threads(threads)
    model(x)
    assert model._sessions.latest is before


def test_a_call_changes_neither_the_model_nor_the_batch():
    model, x = small_network(), normal(0, 17, 1, 6, 6)
    state, batch = model.state_dict(), x.copy()
    model(x)
    assert_same_bits(model.state_dict(), state)
    np.testing.assert_array_equal(x, batch)


@pytest.mark.parametrize("view", [
    lambda x: np.asfortranarray(x), lambda x: x[:, :, ::-1, ::-1][:, :, ::-1, ::-1], lambda x: np.repeat(x, 2, 0)[::2],
    lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    lambda x: np.frombuffer(b"odd" + x.tobytes(), x.dtype, offset=3).reshape(x.shape),
], ids=["column-major", "reversed", "strided", "read-only", "unaligned"])
@pytest.mark.parametrize("batch", [1, 17])
def test_a_batch_may_lie_in_memory_in_any_way_and_nothing_is_compiled_for_it(view, batch):
    model, x = small_network(), normal(0, batch, 1, 6, 6)
    expected, compiled = model(x), set(work.predict_briefly.overloads)
    np.testing.assert_array_equal(model(view(x)), expected)
    assert set(work.predict_briefly.overloads) == compiled


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.bool_, ">f4"])
def test_images_of_other_types_are_refused(dtype):
    with pytest.raises(DtypeError, match=r"expected images uint8 .* or float32 .*, got"):
        small_network()(np.zeros((5, 1, 6, 6), dtype))


@pytest.mark.parametrize(("shape", "message"), [
    ((1, 6, 6), r"expected images \(N, C, H, W\) or features \(N, F\), got \(1, 6, 6\); "
                r"a single image needs x\[None\]"),
    ((6,), r"got \(6,\)"),
    ((1, 1, 1, 6, 6), r"got \(1, 1, 1, 6, 6\)"),
    ((5, 1, 0, 6), r"got \(5, 1, 0, 6\)"),
    ((5, 0), r"got \(5, 0\)"),
    ((0, 0, 6, 6), r"got \(0, 0, 6, 6\)"),
])
def test_arrays_that_are_no_batch_are_refused(shape, message):
    with pytest.raises(ShapeError, match=message):
        small_network()(np.zeros(shape, np.float32))


def test_no_images_are_checked_like_any_others():
    with pytest.raises(ShapeError, match=r'Conv2d "0": expected \(N, 1, H, W\), got \(0, 2, 6, 6\)'):
        small_network()(np.zeros((0, 2, 6, 6), np.float32))
