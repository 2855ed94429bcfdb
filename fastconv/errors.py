"""The errors fastconv raises. Each is a ValueError or a TypeError with a message for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy as np

#: What to do with arrays of other types, by the kind of their dtype: integers are pixels, which the network still
#: normalises, floats are prepared.
_CONVERSIONS = {"i": "; convert pixels from 0 to 255 with {}.astype(np.uint8)",
                "u": "; convert pixels from 0 to 255 with {}.astype(np.uint8)",
                "f": "; convert with {}.astype(np.float32)", "O": ", which is no array of numbers"}


class ShapeError(ValueError):
    """An array whose shape does not fit the layer that was given it."""


class DtypeError(TypeError):
    """An array whose dtype is none of those accepted."""

    @classmethod
    def of_images(cls, dtype: np.dtype[Any], name: str) -> Self:
        """What to raise for the array `name`, whose dtype is none that images have."""
        return cls("expected images uint8 (0 to 255) or float32 (already prepared), "
                   f"got {dtype}{_CONVERSIONS.get(dtype.kind, '').format(name)}")


class DataError(ValueError):
    """A data set or a data file that cannot be used; the message names the file and what is wrong."""


class CheckpointError(ValueError):
    """A model file that cannot be read or does not describe a model."""


class DivergenceError(ValueError):
    """The loss became NaN or infinite during training."""


class NoStepError(ValueError):
    """No step downhill was found; the message says why."""


class RunError(ValueError):
    """A run that cannot be begun, continued or found in its folder."""


class OnnxError(ValueError):
    """An ONNX file that cannot be read or written; the message names the file, and the node where it is one's fault."""


class UnsupportedError(OnnxError):
    """An ONNX model that asks for something fastconv does not have; the message names the operator and its node."""
