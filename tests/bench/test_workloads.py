"""What `fastconv bench` measures: how much work it is, and that all of it runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

import fastconv as fc
from fastconv import reference
from fastconv.optim import OPTIMIZERS
from fastconv_bench import convolution, lenet, networks, others, peers, updates
from fastconv_bench.report import workloads
from fastconv_bench.workload import FASTCONV, NUMPY, NUMPY_IMAGES, PEERS

ALL = {workload.name: workload for workload in workloads()}

LENET_CONVOLUTIONS = convolution.LAYERS[:2]
LENET_LINEARS = ((400, 120), (120, 84), (84, 10))


def multiply_adds(layer: convolution.Layer) -> int:
    """Of one image, counted one by one: pairs of an output and a tap inside the image."""
    outputs, taps = range(layer.size + 2 * layer.padding - layer.kernel + 1), range(layer.kernel)
    along_axis = sum(0 <= output + tap - layer.padding < layer.size for output in outputs for tap in taps)
    return along_axis**2 * layer.out_channels * layer.in_channels // layer.groups


def lenet_multiply_adds() -> int:
    """Of one image forward."""
    return sum(map(multiply_adds, LENET_CONVOLUTIONS)) + sum(map(math.prod, LENET_LINEARS))


# --- How much work ---


def test_workloads_have_names_of_their_own():
    assert len(ALL) == len(list(workloads()))


@pytest.mark.parametrize("layer", convolution.LAYERS, ids=lambda layer: layer.name)
def test_a_convolution_counts_two_operations_for_each_tap_inside_the_image(layer):
    every_tap = reference.conv2d(np.ones((1, *layer.x_shape)), np.ones(layer.weight_shape), padding=layer.padding,
                                 groups=layer.groups)
    assert layer.flop == 2 * multiply_adds(layer) == 2 * every_tap.sum()


def test_every_pass_and_algorithm_of_a_convolution_counts_the_same_for_the_whole_batch():
    for layer in convolution.LAYERS:
        counted = [each for each in ALL.values() if each.name.startswith(f"{layer.name}, ")]
        by_im2col = 0 if layer.groups == layer.in_channels > 1 else 2 if layer.in_channels == 1 else 3
        by_winograd = 2 * (layer.kernel == 3 and layer.groups == 1)
        assert len(counted) == 3 + by_im2col + by_winograd
        assert {(each.flop, each.bytes, each.images) for each in counted} == {
            (2.0 * convolution.BATCH * multiply_adds(layer), convolution.BATCH * layer.bytes, convolution.BATCH)}


def test_a_convolution_reads_its_input_and_writes_its_output():
    assert convolution.LAYERS[0].bytes == 4 * (1 * 28 * 28 + 6 * 28 * 28)


@pytest.mark.parametrize("batch", lenet.INFERENCE_BATCHES)
def test_inference_counts_the_taps_inside_the_images_of_every_layer(batch):
    assert ALL[f"LeNet-5 inference, batch {batch}"].flop == 2 * batch * lenet_multiply_adds()


@pytest.mark.parametrize("batch", lenet.TRAINING_BATCHES)
def test_a_training_step_counts_three_passes_without_the_gradient_of_the_images(batch):
    expected = 3 * lenet_multiply_adds() - multiply_adds(LENET_CONVOLUTIONS[0])
    assert ALL[f"LeNet-5 training step, batch {batch}"].flop == 2 * batch * expected


def test_a_linear_layer_counts_its_products():
    for name in ("forward", "weight gradient"):
        assert ALL[f"linear 400→120, {name}"].flop == 2 * others.BATCH * 400 * 120


def test_pooling_counts_the_bytes_of_images_maxima_and_their_places():
    x = np.zeros((others.BATCH, 6, 28, 28), np.float32)
    y, _ = reference.max_pool2d(x, 2)
    for name in ("forward", "gradient"):
        work = ALL[f"max pooling 6×28×28 2×2, {name}"]
        assert (work.flop, work.bytes) == (0, x.nbytes + y.nbytes + y.size)


def test_an_update_reads_four_arrays_and_writes_three_of_lenets_size():
    model = fc.models.lenet5()
    work = ALL["adamw update, 61,706 parameters"]
    assert (work.flop, work.bytes) == (0, (4 + 3) * 4 * sum(array.size for array in model.state_dict().values()))


@pytest.mark.parametrize(("name", "arrays"), [
    ("sgd", 3), ("momentum", 5), ("adadelta", 7), ("rmsprop-centered", 7), ("amsgrad", 9), ("swats", 7)])
def test_an_update_of_ten_million_reads_the_gradient_once_and_all_else_twice(name, arrays):
    work = ALL[f"{name} update, 10 M parameters"]
    assert (work.flop, work.bytes) == (0, arrays * 4 * 10_000_000)


def test_every_optimizer_is_measured():
    assert [name for name in OPTIMIZERS if f"{name} update, 10 M parameters" not in ALL] == []


@pytest.mark.parametrize("name", updates.PEERS)
def test_pytorchs_optimizer_has_the_hyper_parameters_of_fastconvs(name):
    torch, peer, ours = pytest.importorskip("torch"), updates.PEERS[name], vars(OPTIMIZERS[name](lr=updates.LR))
    theirs = getattr(torch.optim, peer.name)([torch.zeros(1)], lr=updates.LR, **peer.options).defaults
    shared = ours.keys() & theirs.keys()
    assert {key: ours[key] for key in shared} == {key: theirs[key] for key in shared}
    assert {"lr", "weight_decay"} <= shared


# --- That it runs ---


@pytest.mark.parametrize("workload", ALL.values(), ids=ALL.keys())
def test_fastconv_and_for_most_numpy_take_part_without_any_peer_installed(monkeypatch, workload):
    monkeypatch.setattr(peers, "torch", lambda: None)
    monkeypatch.setattr(peers, "has_onnx_runtime", lambda: False)
    contenders = workload.make()
    alone = "10 M parameters" in workload.name or workload.name.startswith(("resnet8", "ds_cnn"))
    assert list(contenders) == ([FASTCONV] if alone else [FASTCONV, NUMPY])
    assert contenders[FASTCONV].images == workload.images
    assert contenders.get(NUMPY, contenders[FASTCONV]).images in (workload.images, NUMPY_IMAGES)
    contenders[FASTCONV].call()


def test_peers_that_are_not_installed_are_not_there(monkeypatch):
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.torch() is None
    assert not peers.has_onnx_runtime()


@pytest.mark.slow
@pytest.mark.parametrize("workload", ALL.values(), ids=ALL.keys())
def test_every_contender_runs(workload):
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    contenders = workload.make()
    assert set(contenders) <= {FASTCONV, *PEERS}
    for contender in contenders.values():
        contender.call()


def test_lenet_in_pytorch_has_the_parameters_of_fastconvs():
    twin = lenet.torch_lenet5(pytest.importorskip("torch"))
    expected = {name: array.shape for name, array in fc.models.lenet5().state_dict().items()}
    assert {name: tuple(tensor.shape) for name, tensor in twin.state_dict().items()} == expected


def test_lenet_in_onnx_runtime_makes_the_logits_of_fastconvs():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model, x = fc.models.lenet5(), np.random.default_rng(0).standard_normal((3, *lenet.IMAGE), np.float32)
    [logits] = peers.onnx_session(model, x)()
    np.testing.assert_allclose(logits, model(x), atol=1e-5)


@pytest.mark.parametrize("network", networks.NETWORKS, ids=lambda network: network.name)
def test_a_network_of_pytorch_has_the_parameters_and_the_logits_of_fastconvs(network):
    torch = pytest.importorskip("torch")
    model, x = network.make(), np.random.default_rng(0).standard_normal((3, *network.image), np.float32)
    modules, forward = networks.torch_network(torch, torch.channels_last, model)
    state = [torch.from_numpy(array) for array in model.state_dict().values()]
    assert [tensor.shape for tensor in modules.state_dict().values()] == [tensor.shape for tensor in state]
    modules.load_state_dict(dict(zip(modules.state_dict(), state, strict=True)))
    modules.eval()
    np.testing.assert_allclose(forward(torch.from_numpy(x)).detach(), model(x), atol=1e-4)


def test_networks_count_the_multiply_adds_of_their_layers_without_the_padding():
    assert 0.9 < ALL["resnet8 inference, batch 1"].flop / 25.0e6 < 1.0
    assert 0.9 < ALL["ds_cnn inference, batch 1"].flop / 5.4e6 < 1.0
