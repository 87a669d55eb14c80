"""The activations as shader functions of four units at a time, with the llvm kernel's coefficients.

They do not use tanh, exp and sin of the languages, whose precision is not specified, and do not
rely on fused multiply-adds. `min(max())` is faster on software adapters than `clamp`.
`FUNCTIONS` has f(x). `DIFFERENCES` has f(s + d) - f(s) for a sum s that is the same for all pixels,
without cancellation: its error is relative to d, however small. There `a` and `b` are the values of
`reference.REFERENCES` for s.
"""

import math

from tilecppn.codegen.activations import SINGLE, TANH_BOTTOM, TANH_END, TANH_TOP
from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.kernels.wgsl.text import horner, number, short_parts

_LN2 = [number(part) for part in short_parts(math.log(2.0), 9)]
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


def _function(name: str, body: str, parameters: str = "x: vec4f") -> str:
    return f"fn {name}({parameters}) -> vec4f {{\n{body}\n}}"


_EXP_PARTS = f"""\
  let c: vec4f = min(max(x, vec4f({-SINGLE.widest})), vec4f({SINGLE.widest}));
  let n: vec4f = floor(c * {number(1.0 / math.log(2.0))} + 0.5);
  let r: vec4f = (c - n * {_LN2[0]}) - n * {_LN2[1]};
  let part: vec4f = r + r * r * ({horner("r", SINGLE.exp)});
  let scale: vec4f = cppn_power(n);
"""
# Reduced to within a quarter turn of a zero; the error is absolute.
_SIN = f"""\
  let v: vec4f = 0.25 - abs(fract(x * {number(1.0 / math.tau)} + 0.25) - 0.5);
  let q: vec4f = v * v;
  return v * ({_in_turns(SINGLE.sin, math.tau, math.tau)});"""
_TANH = f"""\
  let c: vec4f = min(max(x, vec4f(-8.8)), vec4f(8.8));
  let q: vec4f = c * c;
  return c * (({horner("q", TANH_TOP)}) / ({horner("q", TANH_BOTTOM)}) + {number(TANH_END)});"""
_SOFTPLUS = f"""\
  let u: vec4f = cppn_exp(-abs(x));
  let s: vec4f = u / (u + 2.0);
  let q: vec4f = s * s;
  return max(x, vec4f(0.0)) + 2.0 * (s + s * q * ({horner("q", SINGLE.atanh)}));"""

BODIES = {
    "exp": _EXP_PARTS + "  return scale + scale * part;",
    # e^x - 1, also of small x
    "exp1": _EXP_PARTS + "  return scale * part + (scale - 1.0);",
    "sin": _SIN,
    "cos": f"  return cppn_sin(x + {number(math.pi / 2)});",
    "tanh": _TANH,
    "sigmoid": "  return 1.0 / (cppn_exp(-x) + 1.0);",
    "softplus": _SOFTPLUS,
    "relu": "  return max(x, vec4f(0.0));",
    "leaky_relu": "  return max(x, 0.2 * x);",
    "gaussian": "  return cppn_exp(-x * x);",
    "abs": "  return abs(x);",
    "square": "  return x * x;",
    "identity": "  return x;",
    "half_sine": "  return 0.5 * cppn_sin(x) + 0.5;",
    "sqrt_tanh": "  return sqrt(2.0 / (cppn_exp(2.0 * abs(x)) + 1.0));",
    "sigmoid_sin": "  return cppn_sigmoid(cppn_sin(x));",
}
LIBRARY = {f"cppn_{name}": _function(f"cppn_{name}", body) for name, body in BODIES.items()}
# A sine that takes three quarters of the time, with an absolute error of 8e-6: in turns v from a
# zero of slope 1, v (1/4 - v²) times a polynomial in v², by reweighted least squares.
_BRIEF = (-32.60916519, 66.23887634, -64.79273987, 25.13216972)
_BRIEF_SIN = f"""\
  let t: vec4f = x * {number(1.0 / math.tau)};
  let v: vec4f = t - floor(t + 0.5);
  let q: vec4f = v * v;
  return v * (0.25 - q) * ({horner("q", _BRIEF)});"""
BRIEF = {"cppn_sin": _function("cppn_sin", _BRIEF_SIN)}
FUNCTIONS = {name: f"cppn_{name.replace('-', '_')}" for name in ACTIVATIONS}

# 2 sin(d/2) (cos(s) cos(d/2) - sin(s) sin(d/2)): where d/2 has another sign by half a turn, both
# of its functions have, so that it takes none. a = sin(s), b = cos(s).
_SIN_DIFFERENCE = f"""\
  let t: vec4f = d * {number(1.0 / math.tau)};
  let v: vec4f = t - floor(t + 0.5);
  let q: vec4f = v * v;
  let s: vec4f = v * ({_in_turns(SINGLE.sin, math.pi, math.tau)});
  let c: vec4f = {_in_turns(_COS, math.pi)};
  return s * (b * c - 0.5 * a * s);"""
# With the shares a = 1 / (1 + e^-2s) and b = 1 - a, no sum cancels.
_TANH_DIFFERENCE = f"""\
  let x: vec4f = 2.0 * d;
{_EXP_PARTS}\
  return 2.0 * a * b * (scale * part + (scale - 1.0)) / (b + a * (scale + scale * part));"""
_GAUSSIAN_DIFFERENCE = """\
  let near: vec4f = b * cppn_exp1(-d * (2.0 * a + d));
  return mix(near, cppn_gaussian(a + d) - b, step(vec4f(0.5), abs(d)));"""
_CHANGES = {"sin": _SIN_DIFFERENCE, "tanh": _TANH_DIFFERENCE, "gaussian": _GAUSSIAN_DIFFERENCE}
LIBRARY |= {
    f"cppn_{name}_difference": _function(
        f"cppn_{name}_difference", body, "a: vec4f, b: vec4f, d: vec4f"
    )
    for name, body in _CHANGES.items()
}
DIFFERENCES = {name: f"cppn_{name}_difference" for name in _CHANGES}
DIFFERENCES["cos"] = DIFFERENCES["sin"]
