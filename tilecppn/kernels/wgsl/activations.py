"""The activations as shader functions of one unit.

Of one, since software holds a value of four pixels in a register, and runs out of registers where
each operation is for four units. They do not use tanh, exp and sin of the languages, whose
precision is not specified, and do not rely on fused multiply-adds.
`FUNCTIONS` has f(x). `DIFFERENCES` has f(s + d) - f(s) for a sum s that is the same for all pixels,
without cancellation: its error is relative to d, however small. There `a` and `b` are the values of
`reference.REFERENCES` for s.
"""

import math
from collections.abc import Iterable, Mapping

from tilecppn.codegen.activations import SINGLE, TANH_BOTTOM, TANH_END, TANH_TOP
from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.kernels.wgsl.text import horner, number

_EXP = [  # (2^f - 1) / f in f, |f| ≤ 1/2
    c * math.log(2.0) ** (6 - i) for i, c in enumerate([*SINGLE.exp, 1.0])
]
_COS = (  # (cos(r) - 1) / r² in r², |r| ≤ π / 2, within 4e-10
    -2.6297517416492886e-07,
    2.4774579745194932e-05,
    -0.001388865164726139,
    0.04166665936002493,
    -0.49999999963953023,
)


def _in_turns(coefficients: tuple[float, ...], turn: float, factor: float = 1.0) -> str:
    """Return `factor`·(1 + r²·(the polynomial in r²)), where r is `turn`·v and q is v²."""
    every = [*coefficients, 1.0]
    last = len(coefficients)
    return horner("q", [factor * c * turn ** (2 * (last - i)) for i, c in enumerate(every)])


def _sine(*coefficients: float) -> str:
    """Return the body of a sine: with the sign of v, the turns from a zero of slope 1,
    p = |v|·(1/2 - |v|) times a polynomial in p.

    Coefficients are by reweighted least squares of the absolute error.
    """
    return f"""\
  let t: f32 = x * {number(1.0 / math.tau)};
  let v: f32 = t - floor(t + 0.5);
  let s: f32 = v * (0.5 - abs(v));
  let p: f32 = abs(s);
  return s * ({horner("p", coefficients)});"""


def _exp(bounded: str, coefficients: Iterable[float] = _EXP) -> str:
    """Return statements by which e^x is `scale`·(1 + `part`); the error is relative to max(1, |x|).

    bounded: x within ± `SINGLE.widest`.
    """
    return f"""\
  let t: f32 = {bounded} * {number(1.0 / math.log(2.0))};
  let n: f32 = floor(t + 0.5);
  let f: f32 = t - n;
  let part: f32 = f * ({horner("f", coefficients)});
  let scale: f32 = cppn_power(n);
"""


def _function(name: str, body: str, parameters: str = "x: f32") -> str:
    return f"fn {name}({parameters}) -> f32 {{\n{body}\n}}"


_EXP_PARTS = _exp(f"cppn_within(x, {SINGLE.widest})")
_NEGATIVE = f"cppn_above(x, {-SINGLE.widest})"
_SCALED = "  return scale + scale * part;"
_TANH = f"""\
  let c: f32 = cppn_within(x, 8.8);
  let q: f32 = c * c;
  return c * (({horner("q", TANH_TOP)}) / ({horner("q", TANH_BOTTOM)}) + {number(TANH_END)});"""
_SOFTPLUS = f"""\
  let u: f32 = cppn_decay(-abs(x));
  let s: f32 = u / (u + 2.0);
  let q: f32 = s * s;
  return cppn_above(x, 0.0) + 2.0 * (s + s * q * ({horner("q", SINGLE.atanh)}));"""

BODIES = {
    "exp": _EXP_PARTS + _SCALED,
    "decay": _exp(_NEGATIVE) + _SCALED,  # e^x of x ≤ 0
    # e^x - 1, also of small x
    "exp1": _EXP_PARTS + "  return scale * part + (scale - 1.0);",
    "sin": _sine(56.144806, 71.19333, 50.26958, 12.566344),
    "cos": f"  return cppn_sin(x + {number(math.pi / 2)});",
    "tanh": _TANH,
    "sigmoid": "  return 1.0 / (cppn_exp(-x) + 1.0);",
    "softplus": _SOFTPLUS,
    "relu": "  return cppn_above(x, 0.0);",
    "leaky_relu": "  return max(x, 0.2 * x);",
    "gaussian": "  return cppn_decay(-x * x);",
    "abs": "  return abs(x);",
    "square": "  return x * x;",
    "identity": "  return x;",
    "half_sine": "  return 0.5 * cppn_sin(x) + 0.5;",
    "sqrt_tanh": "  return sqrt(2.0 / (cppn_exp(2.0 * abs(x)) + 1.0));",
    "sigmoid_sin": "  return cppn_sigmoid(cppn_sin(x));",
}
# In fewer operations, with errors of 1e-5.
_BRIEF_LOG = (0.03215177, -0.1360435, 0.28945518, -0.49190074, 0.99949437)  # log(1 + u) / u
_BRIEF_BODIES = {
    "sin": _sine(77.93929, 50.024895, 12.568868),
    "decay": _exp(_NEGATIVE, (0.0096819136, 0.055919705, 0.24022021, 0.69312153)) + _SCALED,
    "softplus": f"""\
  let u: f32 = cppn_decay(-abs(x));
  return cppn_above(x, 0.0) + u * ({horner("u", _BRIEF_LOG)});""",
}


def _library(bodies: Mapping[str, str]) -> dict[str, str]:
    return {f"cppn_{name}": _function(f"cppn_{name}", body) for name, body in bodies.items()}


LIBRARY, BRIEF = _library(BODIES), _library(_BRIEF_BODIES)
FUNCTIONS = {name: f"cppn_{name.replace('-', '_')}" for name in ACTIVATIONS}

# 2 sin(d/2) (cos(s) cos(d/2) - sin(s) sin(d/2)): where d/2 has another sign by half a turn, both
# of its functions have, so that it takes none. a = sin(s), b = cos(s).
_SIN_DIFFERENCE = f"""\
  let t: f32 = d * {number(1.0 / math.tau)};
  let v: f32 = t - floor(t + 0.5);
  let q: f32 = v * v;
  let s: f32 = v * ({_in_turns(SINGLE.sin, math.pi, math.tau)});
  let c: f32 = {_in_turns(_COS, math.pi)};
  return s * (b * c - 0.5 * a * s);"""
# With the shares a = 1 / (1 + e^-2s) and b = 1 - a, no sum cancels.
_TANH_DIFFERENCE = f"""\
  let x: f32 = 2.0 * d;
{_EXP_PARTS}\
  return 2.0 * a * b * (scale * part + (scale - 1.0)) / (b + a * (scale + scale * part));"""
_GAUSSIAN_DIFFERENCE = """\
  let near: f32 = b * cppn_exp1(-d * (2.0 * a + d));
  return mix(near, cppn_gaussian(a + d) - b, step(0.5, abs(d)));"""
_CHANGES = {"sin": _SIN_DIFFERENCE, "tanh": _TANH_DIFFERENCE, "gaussian": _GAUSSIAN_DIFFERENCE}
LIBRARY |= {
    f"cppn_{name}_difference": _function(f"cppn_{name}_difference", body, "a: f32, b: f32, d: f32")
    for name, body in _CHANGES.items()
}
DIFFERENCES = {name: f"cppn_{name}_difference" for name in _CHANGES}
DIFFERENCES["cos"] = DIFFERENCES["sin"]
