"""A layer of your own, made of the engine's operators: `python examples/custom_layer.py`."""

import numpy as np

import fastconv as fc
from fastconv import data, nn, optim
from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.tensor import Tensor
from fastconv.nn.lowering import lower


class GlobalMaxPool2d(nn.Layer):
    """The largest value of each channel: (N, C, H, W) becomes (N, C, 1, 1)."""

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return *shape[:2], 1, 1


@lower.register
def _(layer: GlobalMaxPool2d, builder: Builder, x: Tensor, training: bool) -> Tensor:
    """Which operator it stands for; that knows its own gradient."""
    size = x.place.height, x.place.width
    return operators.max_pool2d(builder, x, operators.Window(size, size))


def main(epochs: int = 4) -> float:
    """Trains a network with the layer, after a look at what it does; returns the accuracy on the test images."""
    x = np.random.default_rng(0).normal(size=(5, 3, 4, 6)).astype(np.float32)
    np.testing.assert_array_equal(GlobalMaxPool2d()(x)[:, :, 0, 0], x.max(axis=(2, 3)))
    train, test = data.digits()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 64, 5), nn.ReLU(),
        GlobalMaxPool2d(), nn.Flatten(), nn.Linear(64, 10))
    trainer = fc.Trainer(model, optim.AdamW(lr=6e-3))
    trainer.fit(train, epochs, schedule=optim.OneCycle(max_lr=6e-3))
    accuracy = trainer.evaluate(test)["accuracy"]
    print(f"{model}\ntest accuracy {accuracy:.2%}")
    return accuracy


if __name__ == "__main__":
    main()
