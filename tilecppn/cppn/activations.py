"""The table of activations, in float64 NumPy.

Every kernel implements every row, and a test compares each kernel with each row. Formulas are
elementwise; x is the layer's sum before activation. A layer may mix several, as in
"sin+gaussian+tanh": its units take them in turn.

Lucid's composite atan, [atan(x)/0.67, (atan²(x) - 0.45)/0.396], is not in the table: it gives two
values per unit, so the next layer would have twice the inputs.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.suggestions import one_of

Array = NDArray[np.float64]


class Activation(NamedTuple):
    """An activation: its formula as text, its source, and its function in float64."""

    formula: str
    source: str
    function: Callable[[Array], Array]


def _sigmoid(x: Array) -> Array:
    # By tanh, which neither overflows nor loses digits: 1/(1 + e^-x) = (1 + tanh(x/2))/2.
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)


_HA = "Ha, Generating Abstract Patterns with TensorFlow (2016)"
_STANLEY = "Stanley, Compositional pattern producing networks (2007)"

ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation("tanh(x)", _HA, np.tanh),
    "sigmoid": Activation("1 / (1 + exp(-x))", _HA, _sigmoid),
    "softplus": Activation("log(1 + exp(x))", _HA, lambda x: np.logaddexp(0.0, x)),
    "relu": Activation("max(x, 0)", "Nair and Hinton (2010)", lambda x: np.maximum(x, 0.0)),
    "leaky-relu": Activation(
        "max(x, 0.2 x)", "Maas et al. (2013); slope of DCGAN", lambda x: np.maximum(x, 0.2 * x)
    ),
    "sin": Activation("sin(x)", _STANLEY, np.sin),
    "cos": Activation("cos(x)", _STANLEY, np.cos),
    "gaussian": Activation("exp(-x^2)", _STANLEY, lambda x: np.exp(-x * x)),
    "abs": Activation("|x|", _STANLEY, np.abs),
    "square": Activation("x^2", _STANLEY, np.square),
    "identity": Activation("x", _STANLEY, lambda x: x),
    "half-sine": Activation("sin(x) / 2 + 1/2", _HA, lambda x: 0.5 * np.sin(x) + 0.5),
    "sqrt-tanh": Activation(
        "sqrt(1 - |tanh(x)|)", _HA, lambda x: np.sqrt(1.0 - np.abs(np.tanh(x)))
    ),
    "sigmoid-sin": Activation(
        "1 / (1 + exp(-sin(x)))",
        "Guibas and Virdi, Generating Patterns from CPPNs (2017)",
        lambda x: _sigmoid(np.sin(x)),
    ),
}


def _gaussian_difference(a: Array, b: Array) -> Array:
    # The larger of e^-a² and e^-(a+b)², times e^-|(a+b)² - a²| - 1: neither can overflow.
    more = b * (2.0 * a + b)
    largest = np.exp(-np.minimum(np.square(a), np.square(a + b)))
    return np.asarray(np.copysign(largest, more) * np.expm1(-np.abs(more)))


def _tanh_difference(a: Array, b: Array) -> Array:
    # tanh(u) = 1 - 2·sigmoid(-2u); again only with exponentials of numbers ≤ 0.
    low, high = np.minimum(a, a + b), np.maximum(a, a + b)
    size = -2.0 * np.expm1(-2.0 * np.abs(b)) * _logistic(2.0 * high) * _logistic(-2.0 * low)
    return np.asarray(np.copysign(size, b))


def _logistic(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.maximum(x, -300.0))))


# f(a + b) - f(a) without cancellation for small b, for networks with detail.
DIFFERENCES: dict[str, Callable[[Array, Array], Array]] = {
    "sin": lambda a, b: 2.0 * np.cos(a + 0.5 * b) * np.sin(0.5 * b),
    "cos": lambda a, b: -2.0 * np.sin(a + 0.5 * b) * np.sin(0.5 * b),
    "gaussian": _gaussian_difference,
    "tanh": _tanh_difference,
}


def components(name: str) -> list[str]:
    """Split an activation or mixture into its n functions; unit i uses number i mod n."""
    return name.split("+")


def check(name: str, what: str = "activation") -> str:
    """Return the name of an activation or a mixture. Raises SceneError if one is unknown."""
    for part in components(name):
        one_of(ACTIVATIONS, part, what)
    return name
