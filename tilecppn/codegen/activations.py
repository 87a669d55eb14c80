"""The activations as expressions of IEEE operations in a fixed order, in both precisions.

Each reduces its argument and evaluates a polynomial or a rational function, whose coefficients
minimise the relative error (Remez exchange in 50 digits), highest power first. Largest errors in
units of the last place of 1 (2^-23 in float32, 2^-52 in float64), as measured and rounded up;
`tests/codegen/test_activations.py` reads them here and checks the functions against them:

| function | error | float32 | float64 |
|---|---|---|---|
| tanh | relative | 2.5 | 1.7 |
| sigmoid | relative | 1.3 | 1.3 |
| softplus | relative | 2.0 | 2.0 |
| sqrt-tanh | relative | 1.3 | 1.3 |
| gaussian | absolute | 0.6 | 0.6 |
| sin, cos | absolute | 1.4 | 1.2 |
| half-sine | absolute | 0.8 | 0.8 |
| sigmoid-sin | absolute | 0.8 | 0.8 |
| leaky-relu | relative | 0.7 | 0.7 |
| square | relative | 0.5 | 0.5 |
| relu, abs, identity | relative | 0.0 | 0.0 |

e^x is clamped at x = -87 (float64: -708). For large x, the error of sin and cos is up to 2·|x|
units larger, and they stay within ±1 plus 1 unit; |tanh| exceeds 1 by at most 2 units. NaN stays
NaN.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from tilecppn.codegen import Value
from tilecppn.codegen.values import F32

Coefficients = tuple[float, ...]


class Constants(NamedTuple):
    """The constants of float32 or float64."""

    mantissa: int  # stored bits
    bias: int  # of the exponent
    widest: float  # exp's argument is clamped to ± this, so that its result is normal
    ln2: tuple[float, float]  # rounded, and the remainder
    pi: tuple[float, float]
    exp: Coefficients  # (e^r - 1 - r) / r² in r, |r| ≤ ln(2) / 2
    atanh: Coefficients  # (atanh(s) / s - 1) / s² in s², s ≤ 1/3
    sin: Coefficients  # (sin(r) / r - 1) / r² in r², |r| ≤ π / 2


SINGLE = Constants(
    mantissa=23,
    bias=127,
    widest=87.0,
    ln2=(0.6931471824645996, -1.9046542121259336e-09),
    pi=(3.1415927410125732, -8.742277657347586e-08),
    exp=(
        0.0013949961867183447,
        0.008368883281946182,
        0.041666217148303986,
        0.166665181517601,
        0.5,
    ),
    atanh=(0.14012178778648376, 0.1399957686662674, 0.20010848343372345, 0.3333320617675781),
    sin=(
        2.608896920719417e-06,
        -0.00019811096717603505,
        0.008333087898790836,
        -0.16666659712791443,
    ),
)
DOUBLE = Constants(
    mantissa=52,
    bias=1023,
    widest=708.0,
    ln2=(0.6931471805599453, 2.3190468138462996e-17),
    pi=(3.141592653589793, 1.2246467991473532e-16),
    exp=(
        2.0924386056837592e-09,
        2.510903895540209e-08,
        2.7557242937341473e-07,
        2.7557244198236734e-06,
        2.4801587360367373e-05,
        0.00019841269886143508,
        0.0013888888888866915,
        0.00833333333332162,
        0.0416666666666667,
        0.16666666666666677,
        0.5,
    ),
    atanh=(
        0.08508978413456122,
        0.041702092593556096,
        0.06053009083431371,
        0.06650490766514917,
        0.0769327968827739,
        0.09090871973685481,
        0.11111111984599283,
        0.14285714273930303,
        0.20000000000078602,
        0.33333333333333154,
    ),
    sin=(
        2.7222361362494966e-15,
        -7.643096001276853e-13,
        1.6058943878063308e-10,
        -2.5052106959202313e-08,
        2.7557319212121743e-06,
        -0.00019841269841215227,
        0.008333333333333212,
        -0.16666666666666666,
    ),
)

# tanh(x) = x · (TANH_END + P(x²) / Q(x²)) for |x| ≤ 8.8, where float32 has reached 1; relative
# error 1.7e-8. Q begins with 1, so it takes a multiply-add less, and so does P of a degree less.
TANH_END = 0.017310382798314095
TANH_TOP = (19.10165786743164, 3864.85791015625, 158845.421875, 1240318.875)
TANH_BOTTOM = (1.0, 417.90185546875, 32735.119140625, 589777.0, 1262167.5)


def constants(x: Value) -> Constants:
    """Return the constants for the precision of a value."""
    return SINGLE if x.element == F32 else DOUBLE


def polynomial(x: Value, coefficients: Coefficients) -> Value:
    """Evaluate a polynomial by Horner's rule, with fused multiply-adds; none for a leading 1."""
    first, second, *rest = coefficients
    total = x + second if first == 1.0 else x.fma(first, x.like(second))
    for c in rest:
        total = total.fma(x, c)
    return total


def halves(x: Value, square: Value, coefficients: Coefficients) -> Value:
    """Evaluate a polynomial as x · (even(x²) + x · odd(x²)) + the last coefficient.

    With as many multiply-adds as Horner's rule, in two independent chains, and the same last
    rounding.
    """
    *above, last = coefficients
    even, odd = tuple(above[-1::-2][::-1]), tuple(above[-2::-2][::-1])
    return x.fma(x.fma(polynomial(square, odd), polynomial(square, even)), x.like(last))


def within(x: Value, limit: float) -> Value:
    """Clamp x to [-limit, limit]; NaN stays NaN."""
    return x.at_most(limit).at_least(-limit)


def to_integer(x: Value, factor: float, offset: float = 0.0) -> tuple[Value, Value]:
    """Round factor · x - offset to an integer; return a float, and bits whose low ones hold it.

    Adding 1.5·2^mantissa shifts the fraction out of the number.
    """
    shift = 1.5 * 2.0 ** constants(x).mantissa
    shifted = x.fma(factor, -offset) + shift if offset else x.fma(factor, shift)
    return shifted - shift, shifted.bits()


def exp_parts(x: Value) -> tuple[Value, Value]:
    """Split e^x = scale · (1 + part), with a power of two and part = e^r - 1, |r| ≤ ln(2) / 2.

    x must be within ± `widest`.
    """
    c = constants(x)
    n, bits = to_integer(x, 1.0 / math.log(2.0))
    r = n.fma(-c.ln2[0], x)
    r = n.fma(-c.ln2[1], r)
    square = r * r
    part = square.fma(halves(r, square, c.exp), r)
    scale = (bits << c.mantissa) + (c.bias << c.mantissa)
    return scale.float_of_bits(), part


def exp(x: Value) -> Value:
    """Return e^x for x within ± `widest`; see `exp_parts`."""
    scale, part = exp_parts(x)
    return part.fma(scale, scale)


def exp_less_one(x: Value) -> Value:
    """Return e^x - 1 for x within ± `widest`, precise for small x."""
    scale, part = exp_parts(x)
    return part.fma(scale, scale - 1.0)


def exp_minus(x: Value) -> Value:
    """Return e^-x for x ≥ 0, with x clamped so that the result is normal; see `exp_parts`."""
    return exp(-x.at_most(constants(x).widest))


def gaussian(x: Value) -> Value:
    """Return e^-x²."""
    return exp_minus(x * x)


def tanh(x: Value) -> Value:
    """Return tanh(x), by a rational function in float32, by e^(2x) in float64."""
    if x.element == F32:
        x = within(x, 8.8)
        square = x * x
        return x * (polynomial(square, TANH_TOP) / polynomial(square, TANH_BOTTOM) + TANH_END)
    # (e^2x - 1) / (e^2x + 1), whose numerator is precise for small x.
    less_one = exp_less_one(2.0 * within(x, 20.0))
    return less_one / (less_one + 2.0)


def sigmoid(x: Value) -> Value:
    """Return 1 / (1 + e^-x)."""
    return 1.0 / (exp(-within(x, constants(x).widest)) + 1.0)


def softplus(x: Value) -> Value:
    """Return max(x, 0) + log(1 + u), u = e^-|x|; log(1 + u) = 2 atanh(s / 2), s = 2u / (2 + u)."""
    u = exp_minus(x.abs())
    s = (u + u) / (u + 2.0)
    square = s * s
    atanh = constants(x).atanh
    halved = tuple(c / 4.0 ** (len(atanh) - k) for k, c in enumerate(atanh))  # of s / 2
    return x.at_least(0.0) + (s * square).fma(polynomial(square, halved), s)


def _sine(x: Value, offset: float) -> Value:
    """Return sin(x - offset·π) for an offset of 0 or ½, reduced by the nearest multiple of π."""
    c = constants(x)
    n, bits = to_integer(x, 1.0 / math.pi, offset)
    n = n + offset if offset else n
    r = n.fma(-c.pi[0], x)
    r = within(n.fma(-c.pi[1], r), math.pi / 2)  # clamped for huge x, which have no fraction
    square = r * r
    value = (r * square).fma(polynomial(square, c.sin), r)
    odd = bits << (c.mantissa + (8 if x.element == F32 else 11))  # the sign changes with n
    return (value.bits() ^ odd).float_of_bits()


def sin(x: Value) -> Value:
    """Return sin(x), reduced by the nearest multiple of π."""
    return _sine(x, 0.0)


def cos(x: Value) -> Value:
    """Return cos(x), like `sin` with a shift of a quarter period."""
    return -_sine(x, 0.5)


def sqrt_tanh(x: Value) -> Value:
    """Return sqrt(1 - |tanh(x)|) as sqrt(2 / (1 + e^(2|x|))), without cancellation."""
    return (2.0 / (exp((2.0 * x.abs()).at_most(constants(x).widest)) + 1.0)).sqrt()


FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": lambda x: x.at_least(0.0),
    "leaky-relu": lambda x: x.at_least(0.2 * x),
    "sin": sin,
    "cos": cos,
    "gaussian": gaussian,
    "abs": Value.abs,
    "square": lambda x: x * x,
    "identity": lambda x: x,
    "half-sine": lambda x: sin(x).fma(0.5, 0.5),
    "sqrt-tanh": sqrt_tanh,
    "sigmoid-sin": lambda x: sigmoid(sin(x)),
}


def _sine_difference(a: Value, b: Value) -> Value:
    half = b * 0.5
    return cos(a + half) * sin(half) * 2.0


def _cosine_difference(a: Value, b: Value) -> Value:
    half = b * 0.5
    return sin(a + half) * sin(half) * -2.0


def _gaussian_difference(a: Value, b: Value) -> Value:
    more = b * b.like(2.0).fma(a, b)
    moved = a + b
    largest = exp_minus((a * a).at_most(moved * moved))
    less = largest * exp_less_one(-more.abs().at_most(constants(a).widest))
    return (more < 0.0).where(-less, less)


def _tanh_difference(a: Value, b: Value) -> Value:
    low, high = a.at_most(a + b), a.at_least(a + b)
    difference = exp_less_one(-(2.0 * b.abs()).at_most(constants(b).widest))
    less = difference * sigmoid(2.0 * high) * sigmoid(-2.0 * low) * 2.0
    return (b < 0.0).where(less, -less)


# f(a + b) - f(a): see `cppn.activations.DIFFERENCES`.
DIFFERENCES: dict[str, Callable[[Value, Value], Value]] = {
    "sin": _sine_difference,
    "cos": _cosine_difference,
    "gaussian": _gaussian_difference,
    "tanh": _tanh_difference,
}
