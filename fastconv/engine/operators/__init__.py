"""The operators that programs are made of, a file each: forward calls, and the calls of the gradients."""

from fastconv.engine.operators.acon import switch_of_channels, switch_of_image
from fastconv.engine.operators.activated_pooling import activate_max_pool2d
from fastconv.engine.operators.activation import Formula, activate, features, relu, softmax
from fastconv.engine.operators.addition import add, fan_out
from fastconv.engine.operators.augmentation import augmented
from fastconv.engine.operators.batch_norm import Running, batch_norm
from fastconv.engine.operators.channels import channel_shuffle, concat, narrow
from fastconv.engine.operators.convolution import conv2d, conv_transpose2d, linear
from fastconv.engine.operators.dropout import dropout
from fastconv.engine.operators.global_pooling import global_avg_pool2d
from fastconv.engine.operators.group_norm import group_norm
from fastconv.engine.operators.loss import loss
from fastconv.engine.operators.multiplication import multiply
from fastconv.engine.operators.pooling import avg_pool2d, max_pool2d
from fastconv.engine.operators.upsampling import upsample
from fastconv.engine.operators.window import Window

__all__ = [
    "Formula", "Running", "Window", "activate", "activate_max_pool2d", "add", "augmented", "avg_pool2d",
    "batch_norm", "channel_shuffle", "concat", "conv2d", "conv_transpose2d", "dropout", "fan_out", "features",
    "global_avg_pool2d", "group_norm", "linear", "loss", "max_pool2d", "multiply", "narrow", "relu", "softmax",
    "switch_of_channels", "switch_of_image", "upsample",
]
