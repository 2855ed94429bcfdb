"""Networks rebuilt in PyTorch, and what they make of the same batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fastconv as fc
from fastconv import nn
from fastconv.nn.layer import Layer
from fastconv.nn.loss import Loss
from tests.expected import dropped
from tests.networks import State


def to_torch(model: Layer) -> Any:
    """The same network in PyTorch, in float64, with the same weights under the same names."""
    import torch

    torch.set_num_threads(1)  # tests run side by side, and its idle threads spin
    network, drops = model.expansion(), dropped(model, training=True)

    class Dropout(torch.nn.Module):
        """Drops what `value_and_grad` does."""

        def __init__(self, layer: Layer) -> None:
            super().__init__()
            self.operator = drops[layer]

        def forward(self, x: Any) -> Any:
            return x * torch.tensor(self.operator(np.ones(x.shape))) if self.training else x

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = [Dropout(node.layer) if isinstance(node.layer, nn.Dropout) else _layer_of_torch(node.layer)
                          for node in network.nodes]
            for node, step in zip(network.nodes, self.steps, strict=True):
                *path, last = node.name.split(".")
                parent: Any = self
                for name in path:
                    if name not in dict(parent.named_children()):
                        parent.add_module(name, torch.nn.Module())
                    parent = dict(parent.named_children())[name]
                parent.add_module(last, step)

        def __getitem__(self, index: int) -> Any:
            return self.steps[index]

        def forward(self, x: Any) -> Any:
            made = [x]
            for node, step in zip(network.nodes, self.steps, strict=True):
                made.append(step(*(made[value] for value in node.inputs)))
            return made[network.output]

    twin = Network()
    twin.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    return twin.double()


def _layer_of_torch(layer: Layer) -> Any:
    import torch

    class Add(torch.nn.Module):
        def forward(self, *inputs: Any) -> Any:
            return sum(inputs[1:], inputs[0])

    class Concat(torch.nn.Module):
        def forward(self, *inputs: Any) -> Any:
            return torch.cat(inputs, dim=1)

    class Narrow(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.narrow(1, **layer.config)

    class Padded(torch.nn.Conv2d):
        def forward(self, x: Any) -> Any:
            top, bottom, left, right = layer.padding
            return super().forward(torch.nn.functional.pad(x, (left, right, top, bottom)))

    class Multiply(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x * y

    graphs = {nn.Add: Add, nn.Concat: Concat, nn.Multiply: Multiply, nn.Narrow: Narrow}
    if type(layer) in graphs:
        return graphs[type(layer)]()
    if isinstance(layer, nn.Conv2d):
        return Padded(**{**layer.config, "padding": 0})
    options = {"dim": 1} if isinstance(layer, nn.Softmax) else layer.config
    name = type(layer).__name__
    return getattr(torch.nn, name)(**options) if hasattr(torch.nn, name) else _activation_of_torch(layer)


def _activation_of_torch(layer: Layer) -> Any:
    """A module with the parameters of an activation that PyTorch lacks, whose gradients are autograd's."""
    import torch

    class Activation(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            config = layer.config
            for name, array in layer.state_dict().items():
                if "." not in name:
                    self.register_parameter(name, torch.nn.Parameter(torch.zeros(array.shape)))
            if config.get("design") == "channel":
                self.fc1 = torch.nn.Conv2d(config["channels"], layer.hidden, 1)
                self.fc2 = torch.nn.Conv2d(layer.hidden, config["channels"], 1)

        def forward(self, x: Any) -> Any:
            image = x.reshape(*x.shape[:2], *(x.shape[2:] or (1, 1)))
            return self.acon(image).reshape(x.shape)

        def acon(self, x: Any) -> Any:
            p1, p2, beta = getattr(self, "p1", 1), getattr(self, "p2", 0), getattr(self, "beta", None)
            if isinstance(layer, nn.Swish):
                beta = layer.config["beta"] if beta is None else beta
            elif isinstance(layer, nn.AconB):
                p2 = self.p
            elif isinstance(layer, nn.MetaAconC):
                means = x.mean(dim=(2, 3), keepdim=True)
                switches = {"pixel": lambda: x, "layer": lambda: means.sum(dim=1, keepdim=True),
                            "channel": lambda: self.fc2(self.fc1(means))}
                beta = torch.sigmoid(switches[layer.design]())
            return (p1 - p2) * x * torch.sigmoid(beta * (p1 - p2) * x) + p2 * x

    return Activation()


def loss_of_torch(loss: Loss) -> Any:
    import torch

    if isinstance(loss, nn.CrossEntropyLoss):
        return torch.nn.CrossEntropyLoss(label_smoothing=loss.label_smoothing)
    return torch.nn.MSELoss()


def value_and_grad_of_torch(model: Layer, loss: Loss, x: NDArray[Any], targets: NDArray[Any]) -> tuple[float, State]:
    """What `value_and_grad` should return: the loss of the twin in training, and its gradients by autograd."""
    import torch

    twin = to_torch(model)
    value = loss_of_torch(loss)(twin(torch.tensor(x).double()), torch.tensor(targets))
    value.backward()
    return value.item(), {name: parameter.grad.numpy() for name, parameter in twin.named_parameters()}


def step_of_torch(twin: Any, optimizer: Any, x: NDArray[Any], labels: NDArray[Any]) -> float:
    """A step of an optimizer of PyTorch on the cross entropy of a batch, which it returns."""
    import torch

    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(twin(torch.tensor(x).double()), torch.tensor(labels))
    loss.backward()
    optimizer.step()
    return float(loss.item())


def assert_trains_as_torch(model: Layer, x: NDArray[Any], labels: NDArray[Any], tolerance: float,
                           gradient_tolerance: float) -> None:
    """Asserts that the cross entropy and its gradients are those of PyTorch.

    tolerance: relative, of the loss.  gradient_tolerance: of the largest of all gradients.
    """
    loss, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    expected_loss, expected = value_and_grad_of_torch(model, nn.CrossEntropyLoss(), x, labels)
    assert loss == pytest.approx(expected_loss, rel=tolerance)
    assert grads.keys() == expected.keys()
    allowed = gradient_tolerance * max(np.abs(grad).max() for grad in expected.values())
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=0, atol=allowed, err_msg=name)
