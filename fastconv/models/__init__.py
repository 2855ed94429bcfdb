"""Networks to begin with."""

from collections.abc import Callable

from fastconv.models.ds_cnn import ds_cnn
from fastconv.models.lenet import lenet5, lenet5_classic
from fastconv.models.mnist_cnn import mnist_cnn
from fastconv.models.mobilenet import mobilenet_v1
from fastconv.models.resnet import resnet8, resnet20, se_resnet20
from fastconv.models.shufflenet import se_shufflenet_v2, shufflenet_v2
from fastconv.nn import Layer

#: Every network by name.
MODELS: dict[str, Callable[..., Layer]] = {
    "lenet5": lenet5, "lenet5_classic": lenet5_classic, "mnist_cnn": mnist_cnn, "resnet8": resnet8,
    "resnet20": resnet20, "se_resnet20": se_resnet20, "ds_cnn": ds_cnn, "mobilenet_v1": mobilenet_v1,
    "shufflenet_v2": shufflenet_v2, "se_shufflenet_v2": se_shufflenet_v2}

__all__ = ["MODELS", "ds_cnn", "lenet5", "lenet5_classic", "mnist_cnn", "mobilenet_v1", "resnet8", "resnet20",
           "se_resnet20", "se_shufflenet_v2", "shufflenet_v2"]
