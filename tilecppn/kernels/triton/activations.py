"""The activations in Triton, in float32, with the expressions of `codegen/activations.py`.

Products and sums are contracted only by `tl.fma`: the kernel is compiled without fusion. tanh and
sigmoid use 2^x and 1 / x of the special-function unit, so the error of tanh is bounded absolutely,
by two units of the last place of 1, instead of relatively as there. NaN stays NaN.

`EXACT` has the functions of the mode `exact`; `FAST` replaces those that can use the
special-function unit's own tanh. That unit's instructions are inline assembly, which Triton's
interpreter does not support: it uses plain arithmetic instead.
"""

import math
from typing import Any

import triton
import triton.language as tl
from triton import knobs

from tilecppn.codegen.activations import SINGLE


def interpreted() -> bool:
    """Return whether this process interprets Triton on the CPU, slowly (TRITON_INTERPRET=1)."""
    return bool(knobs.runtime.interpret)


def constant(value: Any) -> Any:
    """Return a global that functions may read; to be compiled, it must be a `tl.constexpr`."""
    return value if interpreted() else tl.constexpr(value)


P_EXP = constant(SINGLE.exp)
P_ATANH = constant(SINGLE.atanh)
P_SIN = constant(SINGLE.sin)
WIDEST = constant(SINGLE.widest)
LN2_HIGH = constant(SINGLE.ln2[0])
LN2_LOW = constant(SINGLE.ln2[1])
PER_LN2 = constant(1.0 / math.log(2.0))
TWO_PER_LN2 = constant(2.0 / math.log(2.0))
MINUS_PER_LN2 = constant(-1.0 / math.log(2.0))
PI_HIGH = constant(SINGLE.pi[0])
PI_LOW = constant(SINGLE.pi[1])
PER_PI = constant(1.0 / math.pi)
HALF_PI = constant(math.pi / 2)
SHIFT = constant(1.5 * 2.0**23)  # added and taken away: rounds to an integer


@triton.jit
def _reciprocal_of_unit(x):
    """Return 1 / x by the special-function unit, within one unit of the last place."""
    return tl.inline_asm_elementwise(
        "rcp.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _exp2_of_unit(x):
    """Return 2^x by the special-function unit, within two units of the last place."""
    return tl.inline_asm_elementwise(
        "ex2.approx.ftz.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _tanh_of_unit(x):
    """Return tanh by the special-function unit, with a relative error of 2^-11."""
    return tl.inline_asm_elementwise(
        "tanh.approx.f32 $0, $1;", "=f,f", [x], dtype=tl.float32, is_pure=True, pack=1
    )


@triton.jit
def _plain_reciprocal(x):
    return 1.0 / x


@triton.jit
def _plain_exp2(x):
    return tl.exp2(x)


@triton.jit
def _dot_of_units(a, b, total):
    """Return a @ b + total by the matrix units: exact products of float16, sums in float32."""
    return tl.dot(a, b, total)


@triton.jit
def _plain_dot(a, b, total):
    """Return a @ b + total in the interpreter, which uses a BLAS.

    A BLAS may order float32 sums by a row's position; float64 sums are so exact that their order
    does not show.
    """
    return tl.dot(a.to(tl.float64), b.to(tl.float64), out_dtype=tl.float64).to(tl.float32) + total


@triton.jit
def polynomial(x, coefficients: tl.constexpr):
    """Evaluate a polynomial by Horner's rule, highest power first."""
    total = tl.fma(x, coefficients[0], coefficients[1])
    for i in tl.static_range(2, len(coefficients)):
        total = tl.fma(total, x, coefficients[i])
    return total


@triton.jit
def negated(x):
    """Return -x as a product with -1, which costs nothing; the minus sign would be 0 - x."""
    return x * -1.0


@triton.jit
def quotient(a, b):
    """Return a / b for 2^-100 < b < 2^100: an estimate with one correction step."""
    inverse = reciprocal(b)
    estimate = a * inverse
    return tl.fma(tl.fma(negated(estimate), b, a), inverse, estimate)


@triton.jit
def within(x, limit: tl.constexpr):
    """Clamp x to [-limit, limit]; NaN stays NaN."""
    low = tl.maximum(x, -limit, propagate_nan=tl.PropagateNan.ALL)
    return tl.minimum(low, limit, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def at_least(x, low):
    """Return the larger of x and low; NaN stays NaN."""
    return tl.maximum(x, low, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def to_integer(x):
    """Round x to an integer; return it as a float, and bits whose low ones hold it."""
    shifted = x + SHIFT
    return shifted - SHIFT, shifted.to(tl.int32, bitcast=True)


@triton.jit
def exp(x):
    """Return e^x, with x clamped so that the result is a normal number."""
    x = within(x, WIDEST)
    n, bits = to_integer(x * PER_LN2)
    r = tl.fma(n, -LN2_LOW, tl.fma(n, -LN2_HIGH, x))
    part = tl.fma(r * r, polynomial(r, P_EXP), r)
    scale = ((bits << 23) + (127 << 23)).to(tl.float32, bitcast=True)
    return tl.fma(part, scale, scale)


@triton.jit
def tanh(x):
    """Return tanh x = 1 - 2 / (e^(2x) + 1), by two special functions."""
    return tl.fma(reciprocal(exp2(x * TWO_PER_LN2) + 1.0), -2.0, 1.0)


@triton.jit
def sigmoid(x):
    """Return 1 / (1 + e^-x), by two special functions."""
    return reciprocal(exp2(x * MINUS_PER_LN2) + 1.0)


@triton.jit
def softplus(x):
    """Return max(x, 0) + log(1 + e^-|x|)."""
    u = exp(negated(tl.abs(x)))
    s = quotient(u, u + 2.0)
    square = s * s
    log = tl.fma(s * square, polynomial(square, P_ATANH), s) * 2.0
    return at_least(x, 0.0) + log


@triton.jit
def _sine(x, offset: tl.constexpr):
    """Return sin(x - offset·π) for an offset of 0 or ½, reduced by the nearest multiple of π."""
    n, bits = to_integer(tl.fma(x, PER_PI, -offset))
    n = n + offset
    r = within(tl.fma(n, -PI_LOW, tl.fma(n, -PI_HIGH, x)), HALF_PI)
    square = r * r
    value = tl.fma(r * square, polynomial(square, P_SIN), r)
    odd = bits << 31  # the sign changes with n
    return (value.to(tl.int32, bitcast=True) ^ odd).to(tl.float32, bitcast=True)


@triton.jit
def sin(x):
    """Return sin(x), reduced by the nearest multiple of π."""
    return _sine(x, 0.0)


@triton.jit
def cos(x):
    """Return cos(x), like `sin` with a shift of a quarter period."""
    return negated(_sine(x, 0.5))


@triton.jit
def half_sine(x):
    """Return sin(x) / 2 + 1/2."""
    return tl.fma(sin(x), 0.5, 0.5)


@triton.jit
def sigmoid_sin(x):
    """Return 1 / (1 + e^-sin(x))."""
    return sigmoid(sin(x))


@triton.jit
def sqrt_tanh(x):
    """Return sqrt(1 - |tanh(x)|) as sqrt(2 / (1 + e^(2|x|))), without cancellation."""
    return tl.sqrt_rn(quotient(2.0, exp(2.0 * tl.abs(x)) + 1.0))


@triton.jit
def gaussian(x):
    """Return e^(-x²)."""
    return exp(negated(x * x))


@triton.jit
def relu(x):
    """Return max(x, 0)."""
    return at_least(x, 0.0)


@triton.jit
def leaky_relu(x):
    """Return max(x, 0.2 x)."""
    return at_least(x, 0.2 * x)


@triton.jit
def absolute(x):
    """Return |x|."""
    return tl.abs(x)


@triton.jit
def square(x):
    """Return x²."""
    return x * x


@triton.jit
def identity(x):
    """Return x."""
    return x


@triton.jit
def fast_tanh(x):
    """Return tanh by the special-function unit, with a relative error of 2^-11."""
    return tanh_estimate(x)


@triton.jit
def fast_sigmoid(x):
    """Return the sigmoid (1 + tanh(x/2)) / 2, by the special-function unit's tanh."""
    return tl.fma(tanh_estimate(0.5 * x), 0.5, 0.5)


if interpreted():
    dot, reciprocal, exp2, tanh_estimate = _plain_dot, _plain_reciprocal, _plain_exp2, tanh
else:
    dot, reciprocal = _dot_of_units, _reciprocal_of_unit
    exp2, tanh_estimate = _exp2_of_unit, _tanh_of_unit

EXACT = {
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "relu": relu,
    "leaky-relu": leaky_relu,
    "sin": sin,
    "cos": cos,
    "gaussian": gaussian,
    "abs": absolute,
    "square": square,
    "identity": identity,
    "half-sine": half_sine,
    "sqrt-tanh": sqrt_tanh,
    "sigmoid-sin": sigmoid_sin,
}
FAST = {**EXACT, "tanh": fast_tanh, "sigmoid": fast_sigmoid}
