"""Operators on one image by itself, for inference: vectors of 16 neighbouring pixels of a plane (`kernels.planes`)."""

from fastconv.engine.operators.planes.channels import channel_shuffle, concat, narrow, upsample
from fastconv.engine.operators.planes.convolution import conv2d, conv2d_by_pairs, linear, serves_pairs
from fastconv.engine.operators.planes.elementwise import activate, add, multiply, relu
from fastconv.engine.operators.planes.normalisation import group_norm, softmax
from fastconv.engine.operators.planes.place import features, image, images, result
from fastconv.engine.operators.planes.pooling import avg_pool2d, max_pool2d
from fastconv.engine.operators.planes.switches import switch_of_channels, switch_of_image

__all__ = [
    "activate", "add", "avg_pool2d", "channel_shuffle", "concat", "conv2d", "conv2d_by_pairs", "features",
    "group_norm", "image", "images", "linear", "max_pool2d", "multiply", "narrow", "relu", "result", "serves_pairs",
    "softmax", "switch_of_channels", "switch_of_image", "upsample",
]
