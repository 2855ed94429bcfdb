"""What ONNX has no operator for, as functions of its operators: a model brings those it uses, any runtime runs them.

Parameters have the shapes of our layers', x is (N, C, …) of any rank.
"""

from __future__ import annotations

import onnx.parser
from onnx import FunctionProto

#: The operators in the functions and in the models: the first version whose GroupNormalization scales each channel.
OPSET = 21

_ROWS = """
    by_channel = Constant <value_ints = [0, 0, -1]> ()
    as_channels = Constant <value_ints = [1, -1, 1]> ()
    rows = Reshape (x, by_channel)
"""

# (p1 - p2) x σ(β (p1 - p2) x) + p2 x, and the shape of x (Ma et al. 2021, section 3.2).
_ACON = """
    first = Reshape (p1, as_channels)
    second = Reshape (p2, as_channels)
    difference = Sub (first, second)
    v = Mul (difference, rows)
    steep = Mul (switch, v)
    gate = Sigmoid (steep)
    gated = Mul (v, gate)
    straight = Mul (second, rows)
    sum = Add (gated, straight)
    shape = Shape (x)
    y = Reshape (sum, shape)
"""

_LEARNED = "switch = Reshape (beta, as_channels)\n"
_ONES = "zero = Constant <value_float = 0.0> ()\n none = Mul (beta, zero)\n p1 = Exp (none)\n"
_MEANS = "pixels = Constant <value_ints = [2]> ()\n means = ReduceMean <keepdims = 1> (rows, pixels)\n"

_BODIES = {
    "Swish <beta> (x)": """
        factor = Constant <value_float: float = @beta> ()
        steep = Mul (x, factor)
        gate = Sigmoid (steep)
        y = Mul (x, gate)
    """,
    "LearnableSwish (x, beta)": """
        steep = Mul (x, beta)
        gate = Sigmoid (steep)
        y = Mul (x, gate)
    """,
    "Softplus <beta, threshold> (x)": """
        factor = Constant <value_float: float = @beta> ()
        bound = Constant <value_float: float = @threshold> ()
        steep = Mul (x, factor)
        high = Softplus (steep)
        soft = Div (high, factor)
        straight = Greater (steep, bound)
        y = Where (straight, x, soft)
    """,
    "AconA (x, beta)": _ROWS + _ONES + "p2 = Identity (none)\n" + _LEARNED + _ACON,
    "AconB (x, p, beta)": _ROWS + _ONES + "p2 = Identity (p)\n" + _LEARNED + _ACON,
    "AconC (x, p1, p2, beta)": _ROWS + _LEARNED + _ACON,
    "MetaAconPixel (x, p1, p2)": _ROWS + "switch = Sigmoid (rows)\n" + _ACON,
    "MetaAconLayer (x, p1, p2)": _ROWS + _MEANS + """
        channels = Constant <value_ints = [1]> ()
        all = ReduceSum <keepdims = 1> (means, channels)
        switch = Sigmoid (all)
    """ + _ACON,
    "MetaAconChannel (x, p1, p2, fc1_weight, fc1_bias, fc2_weight, fc2_bias)": _ROWS + _MEANS + """
        fc1 = Reshape (fc1_weight, by_channel)
        fc2 = Reshape (fc2_weight, by_channel)
        hidden = Conv (means, fc1, fc1_bias)
        squeezed = Conv (hidden, fc2, fc2_bias)
        switch = Sigmoid (squeezed)
    """ + _ACON,
}

#: Each function's text, by its name.
FUNCTIONS = {head.split()[0]: f'<opset_import: ["": {OPSET}], domain: "fastconv"> {head} => (y) {{ {body} }}'
             for head, body in _BODIES.items()}


def function(name: str) -> FunctionProto:
    """The function as it is written to a model."""
    return onnx.parser.parse_function(FUNCTIONS[name])
