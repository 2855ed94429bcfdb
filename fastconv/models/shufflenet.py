"""ShuffleNet V2: half of the channels pass each unit by, and shuffling mixes them."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.models.chain import Chain
from fastconv.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    ChannelShuffle,
    Concat,
    Conv2d,
    Flatten,
    Graph,
    Layer,
    Linear,
    MaxPool2d,
    Narrow,
    ReLU,
    SqueezeExcite,
)

Activation = Callable[[int], Layer]

#: Channels of conv1, of stages 2 to 4 and of conv5, by width (Ma et al. 2018, table 5).
CHANNELS = {0.5: (24, 48, 96, 192, 1024), 1.0: (24, 116, 232, 464, 1024), 1.5: (24, 176, 352, 704, 1024),
            2.0: (24, 244, 488, 976, 2048)}
REPEATS = 4, 8, 4


def shufflenet_v2(num_classes: int = 1000, width_multiplier: float = 0.5,
                  activation: Activation | None = None) -> Graph:
    """ShuffleNet V2 for images 3×224×224 (Ma et al. 2018), of width 0.5, 1, 1.5 or 2.

    41 million multiply-adds and 1,366,792 parameters at width 0.5. Names in the state dict are torchvision's, so that
    weights move both ways. With activation=nn.MetaAconC it is the variant with meta-ACON (Ma et al. 2021).
    """
    return _shufflenet(num_classes, width_multiplier, activation, excite=False)


def se_shufflenet_v2(num_classes: int = 1000, width_multiplier: float = 0.5,
                     activation: Activation | None = None) -> Graph:
    """ShuffleNet V2 with squeeze and excitation at the end of each unit's branch (Ma et al. 2018, appendix; Hu et al.
    2018), for images 3×224×224."""
    return _shufflenet(num_classes, width_multiplier, activation, excite=True)


def _shufflenet(num_classes: int, width_multiplier: float, activation: Activation | None, excite: bool) -> Graph:
    if width_multiplier not in CHANNELS:
        raise ValueError(f"width_multiplier must be one of {', '.join(map(str, CHANNELS))}, got {width_multiplier}")
    make, net = activation or (lambda channels: ReLU()), Chain()
    inputs, *stages, last = CHANNELS[width_multiplier]
    _convolution(net, "conv1", 0, Conv2d(3, inputs, 3, 2, padding=1, bias=False), make)
    net.add("maxpool", MaxPool2d(3, 2, 1))
    for stage, (outputs, repeats) in enumerate(zip(stages, REPEATS, strict=True), 2):
        for unit in range(repeats):
            _unit(net, f"stage{stage}.{unit}", inputs, outputs, 2 if unit == 0 else 1, make,
                  excite)
            inputs = outputs
    _convolution(net, "conv5", 0, Conv2d(inputs, last, 1, bias=False), make)
    net.add("pool", AdaptiveAvgPool2d(1))
    net.add("flatten", Flatten())
    net.add("fc", Linear(last, num_classes))
    return net.graph((3, 224, 224))


def _unit(net: Chain, name: str, inputs: int, outputs: int, stride: int, make: Activation,
          excite: bool) -> None:
    """Two branches, side by side and shuffled; without a stride one of them is half of the input (figure 3 c and d)."""
    start, half = net.last, outputs // 2
    if stride == 1:
        first = net.add(f"{name}.first", Narrow(0, half), start)
        start, inputs = net.add(f"{name}.second", Narrow(half, half), start), half
    else:
        _depthwise(net, f"{name}.branch1", 0, inputs, stride, start)
        first = _convolution(net, f"{name}.branch1", 2, Conv2d(inputs, half, 1, bias=False), make)
    _convolution(net, f"{name}.branch2", 0, Conv2d(inputs, half, 1, bias=False), make, start)
    _depthwise(net, f"{name}.branch2", 3, half, stride)
    second = _convolution(net, f"{name}.branch2", 5, Conv2d(half, half, 1, bias=False), make)
    if excite:
        second = net.add(f"{name}.se", SqueezeExcite(half))
    net.add(f"{name}.concat", Concat(), first, second)
    net.add(f"{name}.shuffle", ChannelShuffle(2))


def _convolution(net: Chain, name: str, number: int, layer: Conv2d, make: Activation, *reads: str) -> str:
    """A convolution, normalised and activated; they have the numbers from this one on."""
    net.add(f"{name}.{number}", layer, *reads)
    net.add(f"{name}.{number + 1}", BatchNorm2d(layer.out_channels))
    return net.add(f"{name}.{number + 2}", make(layer.out_channels))


def _depthwise(net: Chain, name: str, number: int, channels: int, stride: int, *reads: str) -> None:
    """A depthwise convolution, normalised."""
    net.add(f"{name}.{number}", Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False), *reads)
    net.add(f"{name}.{number + 1}", BatchNorm2d(channels))
