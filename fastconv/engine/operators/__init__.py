"""The operators that programs are made of, a file each: forward calls, and the calls of the gradients."""

from fastconv.engine.operators.activation import activation, softmax
from fastconv.engine.operators.convolution import conv2d, linear
from fastconv.engine.operators.loss import loss
from fastconv.engine.operators.pooling import avg_pool2d, max_pool2d
from fastconv.engine.operators.window import Window

__all__ = ["Window", "activation", "avg_pool2d", "conv2d", "linear", "loss", "max_pool2d", "softmax"]
