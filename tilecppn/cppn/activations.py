"""The activations: one table, one row each, in float64 NumPy.

A kernel implements every row; one test compares each kernel with each row.
Formulas are elementwise; x is the layer's sum before activation.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Activation(NamedTuple):
    """One row: its formula as text, and the same in float64."""

    formula: str
    function: Callable[[Array], Array]


def _sigmoid(x: Array) -> Array:
    # Through tanh, which neither overflows nor loses digits: 1/(1 + e^-x) = (1 + tanh(x/2))/2.
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)


ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation("tanh(x)", np.tanh),
    "sigmoid": Activation("1 / (1 + exp(-x))", _sigmoid),
    "softplus": Activation("log(1 + exp(x))", lambda x: np.logaddexp(0.0, x)),
    "relu": Activation("max(x, 0)", lambda x: np.maximum(x, 0.0)),
    "leaky-relu": Activation("max(x, 0.2 x)", lambda x: np.maximum(x, 0.2 * x)),
    "sin": Activation("sin(x)", np.sin),
    "cos": Activation("cos(x)", np.cos),
    "gaussian": Activation("exp(-x^2)", lambda x: np.exp(-x * x)),
    "abs": Activation("|x|", np.abs),
    "square": Activation("x^2", np.square),
    "identity": Activation("x", lambda x: x),
    "half-sine": Activation("sin(x) / 2 + 1/2", lambda x: 0.5 * np.sin(x) + 0.5),
    "sqrt-tanh": Activation("sqrt(1 - |tanh(x)|)", lambda x: np.sqrt(1.0 - np.abs(np.tanh(x)))),
}
