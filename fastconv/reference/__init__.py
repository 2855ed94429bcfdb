"""The operators in NumPy, plain enough to be checked by eye: what every kernel is tested against.

They keep the precision of their arguments: float64 for an oracle, float32 for a comparison of speed.
"""

from fastconv.reference.activation import (
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    softmax_grad,
    tanh,
    tanh_grad,
)
from fastconv.reference.convolution import (
    conv2d,
    conv2d_bias_grad,
    conv2d_im2col,
    conv2d_input_grad,
    conv2d_weight_grad,
    im2col,
)
from fastconv.reference.linear import linear, linear_grad
from fastconv.reference.loss import cross_entropy, mse
from fastconv.reference.optimizer import (
    adadelta,
    adagrad,
    adam,
    adamw,
    adamw_of_the_paper,
    amsgrad,
    nadam,
    rmsprop,
    sgd,
    sgdw,
    swats,
)
from fastconv.reference.pooling import avg_pool2d, avg_pool2d_grad, max_pool2d, max_pool2d_grad

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamw",
    "adamw_of_the_paper",
    "amsgrad",
    "avg_pool2d",
    "avg_pool2d_grad",
    "conv2d",
    "conv2d_bias_grad",
    "conv2d_im2col",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "cross_entropy",
    "im2col",
    "linear",
    "linear_grad",
    "max_pool2d",
    "max_pool2d_grad",
    "mse",
    "nadam",
    "relu",
    "relu_grad",
    "rmsprop",
    "sgd",
    "sgdw",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_grad",
    "swats",
    "tanh",
    "tanh_grad",
]
