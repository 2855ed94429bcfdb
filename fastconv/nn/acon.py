"""The ACON family: smooth maxima of two lines, which learn for each channel whether to activate (Ma et al. 2021).

S_β(x_1, x_2) = Σ x_i e^(β x_i) / Σ e^(β x_i) = (x_1 - x_2) σ(β (x_1 - x_2)) + x_2.

Parameters of channels are (1, C, 1, 1), as in the authors' PyTorch code.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.parameter import Parameter
from fastconv.nn import init
from fastconv.nn.activation import Elementwise, expect_channels
from fastconv.nn.layer import Layer, Shape
from fastconv.shapes import integer


class _Acon(Elementwise):
    """Draws p, p1 and p2 from a standard normal distribution and begins with beta = 1."""

    learned: tuple[str, ...]

    def __init__(self, channels: int) -> None:
        super().__init__(channels=channels)
        self.channels = integer("channels", channels)
        for name in self.learned:
            self._parameters[name] = Parameter((1, channels, 1, 1))

    def output_shape(self, shape: Shape) -> Shape:
        expect_channels(shape, self.channels)
        return shape

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        return _first_value(name, parameter, rng)


class AconA(_Acon):
    """S_β(x, 0) = x σ(βx): Swish with a β for each channel, `beta`."""

    formula = "swish"
    coefficients = learned = ("beta",)


class AconB(_Acon):
    """S_β(x, px) = (1 - p) x σ(β (1 - p) x) + px: a smooth PReLU, with `p` and `beta` for each channel."""

    formula = "acon"
    coefficients = 1.0, "p", "beta"
    learned = "p", "beta"


class AconC(_Acon):
    """S_β(p1 x, p2 x) = (p1 - p2) x σ(β (p1 - p2) x) + p2 x, with `p1`, `p2` and `beta` for each channel."""

    formula = "acon"
    coefficients = learned = "p1", "p2", "beta"


class MetaAconC(Layer):
    """ACON-C whose β is computed from x (N, C, H, W), in one of three designs (Ma et al. 2021, section 3.3).

    design: "channel": β = σ(fc2(fc1(means of x over its pixels))) for each image and channel, with 1×1 convolutions
    from C to max(r, C / r) to C channels; "layer": β = σ(the sum of those means) for each image; "pixel": β = σ(x).
    Parameters: p1, p2 (1, C, 1, 1); of the first design also fc1.weight (h, C, 1, 1), fc1.bias, fc2.weight (C, h, 1, 1)
    and fc2.bias. The authors' code has batch normalisation behind both convolutions; this has none.
    """

    def __init__(self, channels: int, r: int = 16, design: Literal["channel", "layer", "pixel"] = "channel") -> None:
        super().__init__(channels=channels, r=r, design=design)
        if design not in ("channel", "layer", "pixel"):
            raise ValueError(f'MetaAconC: design must be "channel", "layer" or "pixel", got {design!r}')
        self.channels, self.design = integer("channels", channels), design
        self.hidden = max(integer("r", r), channels // r)
        for name in ("p1", "p2"):
            self._parameters[name] = Parameter((1, channels, 1, 1))
        if design == "channel":
            for name, outputs, inputs in (("fc1", self.hidden, channels), ("fc2", channels, self.hidden)):
                self._parameters[f"{name}.weight"] = Parameter((outputs, inputs, 1, 1))
                self._parameters[f"{name}.bias"] = Parameter((outputs,))

    def output_shape(self, shape: Shape) -> Shape:
        expect_channels(shape, self.channels)
        return shape

    def multiply_adds(self, output_shape: Shape) -> int:
        return 2 * self.channels * self.hidden if self.design == "channel" else 0

    def _draw(self, name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
        if not name.startswith("fc"):
            return _first_value(name, parameter, rng)
        fan_in = self.channels if name.startswith("fc1") else self.hidden
        return init.kaiming_uniform(rng, parameter.array.shape, fan_in)


def _first_value(name: str, parameter: Parameter, rng: np.random.Generator) -> NDArray[np.float32]:
    shape = parameter.array.shape
    return np.ones(shape, np.float32) if name == "beta" else rng.standard_normal(shape, np.float32)
