"""The errors fastconv raises. Each is a ValueError or a TypeError with a message for people."""


class ShapeError(ValueError):
    """An array whose shape does not fit the layer that was given it."""


class DtypeError(TypeError):
    """An array whose dtype is none of those accepted."""


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
