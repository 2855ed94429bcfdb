"""Dropout."""

from __future__ import annotations

from fastconv.nn.activation import number
from fastconv.nn.layer import Layer, Shape, expect_images


class Dropout(Layer):
    """In training, each value is 0 with probability p, and otherwise divided by 1 - p (Srivastava et al. 2014).

    Inference passes all values on, and so does the training of a model in which this layer is frozen.
    What is dropped is a function of the seed, the step, the layer's place among the network's dropouts, the image's
    place in the batch and the value's place in the image: the same for any number of threads. A Trainer counts steps
    and has a seed; `value_and_grad` always computes as a Trainer's first step with seed 0.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.p = number("p", p)
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p must be from 0 to 1, got {p}")


class Dropout2d(Dropout):
    """As Dropout, of whole channels of (N, C, H, W) (Tompson et al. 2015)."""

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        return shape
