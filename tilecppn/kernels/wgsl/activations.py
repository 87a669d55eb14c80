"""The activations as shader functions of four units at a time, from the LLVM back end's numbers.

The languages leave the precision of their own tanh, exp and sin open, so these are ours; nothing
counts on fused multiply-adds. `FUNCTIONS` has f(x). `DIFFERENCES` has f(s + d) - f(s) for a sum s
that is the same for all pixels, without cancellation: its error is relative to d, however small
that is. There `a` and `b` are what `data.REFERENCES` makes of s.
"""

import math

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.kernels.llvm.activations import SINGLE, TANH_BOTTOM, TANH_END, TANH_TOP
from tilecppn.kernels.wgsl.text import Piece, horner, number, short_parts

_LN2 = [number(part) for part in short_parts(math.log(2.0), 9)]
_PI = [number(part) for part in short_parts(math.pi, 9, 11)]


def _function(body: str, *needs: str, name: str, parameters: str = "x: vec4f") -> Piece:
    return Piece(f"fn {name}({parameters}) -> vec4f {{\n{body}\n}}", needs)


def _one(name: str, expression: str, *needs: str) -> Piece:
    return _function(f"  return {expression};", *needs, name=name)


_EXP_PARTS = f"""\
  let c: vec4f = clamp(x, vec4f({-SINGLE.widest}), vec4f({SINGLE.widest}));
  let n: vec4f = floor(c * {number(1.0 / math.log(2.0))} + 0.5);
  let r: vec4f = (c - n * {_LN2[0]}) - n * {_LN2[1]};
  let part: vec4f = r + r * r * ({horner("r", SINGLE.exp)});
  let scale: vec4f = cppn_power(n);
"""
_SIN = f"""\
  let n: vec4f = floor(x * {number(1.0 / math.pi)} + 0.5);
  let r: vec4f = clamp(((x - n * {_PI[0]}) - n * {_PI[1]}) - n * {_PI[2]},
    vec4f({number(-math.pi / 2)}), vec4f({number(math.pi / 2)}));
  let q: vec4f = r * r;
  let odd: vec4f = n - 2.0 * floor(0.5 * n);
  return (r + r * q * ({horner("q", SINGLE.sin)})) * (1.0 - 2.0 * odd);"""
_TANH = f"""\
  let c: vec4f = clamp(x, vec4f(-8.8), vec4f(8.8));
  let q: vec4f = c * c;
  return c * (({horner("q", TANH_TOP)}) / ({horner("q", TANH_BOTTOM)}) + {number(TANH_END)});"""
_SOFTPLUS = f"""\
  let u: vec4f = cppn_exp(-abs(x));
  let s: vec4f = u / (u + 2.0);
  let q: vec4f = s * s;
  return max(x, vec4f(0.0)) + 2.0 * (s + s * q * ({horner("q", SINGLE.atanh)}));"""

LIBRARY: dict[str, Piece] = {
    "cppn_exp": _function(_EXP_PARTS + "  return scale + scale * part;", name="cppn_exp"),
    # e^x - 1, also of small x
    "cppn_exp1": _function(_EXP_PARTS + "  return scale * part + (scale - 1.0);", name="cppn_exp1"),
    "cppn_sin": _function(_SIN, name="cppn_sin"),
    "cppn_cos": _one("cppn_cos", f"cppn_sin(x + {number(math.pi / 2)})", "cppn_sin"),
    "cppn_tanh": _function(_TANH, name="cppn_tanh"),
    "cppn_sigmoid": _one("cppn_sigmoid", "1.0 / (cppn_exp(-x) + 1.0)", "cppn_exp"),
    "cppn_softplus": _function(_SOFTPLUS, "cppn_exp", name="cppn_softplus"),
    "cppn_relu": _one("cppn_relu", "max(x, vec4f(0.0))"),
    "cppn_leaky_relu": _one("cppn_leaky_relu", "max(x, 0.2 * x)"),
    "cppn_gaussian": _one("cppn_gaussian", "cppn_exp(-x * x)", "cppn_exp"),
    "cppn_abs": _one("cppn_abs", "abs(x)"),
    "cppn_square": _one("cppn_square", "x * x"),
    "cppn_identity": _one("cppn_identity", "x"),
    "cppn_half_sine": _one("cppn_half_sine", "0.5 * cppn_sin(x) + 0.5", "cppn_sin"),
    "cppn_sqrt_tanh": _one(
        "cppn_sqrt_tanh", "sqrt(2.0 / (cppn_exp(2.0 * abs(x)) + 1.0))", "cppn_exp"
    ),
    "cppn_sigmoid_sin": _one(
        "cppn_sigmoid_sin", "cppn_sigmoid(cppn_sin(x))", "cppn_sigmoid", "cppn_sin"
    ),
}
FUNCTIONS = {name: f"cppn_{name.replace('-', '_')}" for name in ACTIVATIONS}

_PARAMETERS = "a: vec4f, b: vec4f, d: vec4f"
# Where d is large, there is no cancellation to speak of.
_TANH_DIFFERENCE = """\
  let t: vec4f = cppn_tanh(d);
  let near: vec4f = (1.0 - b) * (1.0 + b) * t / max(1.0 + b * t, vec4f(0.1));
  return mix(near, cppn_tanh(a + d) - b, step(vec4f(1.0), abs(d)));"""
_GAUSSIAN_DIFFERENCE = """\
  let near: vec4f = b * cppn_exp1(-d * (2.0 * a + d));
  return mix(near, cppn_gaussian(a + d) - b, step(vec4f(0.5), abs(d)));"""
LIBRARY |= {
    "cppn_sin_difference": _function(
        "  return 2.0 * cppn_sin(0.5 * d) * cppn_sin(a + 0.5 * d);",
        "cppn_sin",
        name="cppn_sin_difference",
        parameters=_PARAMETERS,
    ),
    "cppn_tanh_difference": _function(
        _TANH_DIFFERENCE, "cppn_tanh", name="cppn_tanh_difference", parameters=_PARAMETERS
    ),
    "cppn_gaussian_difference": _function(
        _GAUSSIAN_DIFFERENCE,
        "cppn_gaussian",
        "cppn_exp1",
        name="cppn_gaussian_difference",
        parameters=_PARAMETERS,
    ),
}
DIFFERENCES = {
    "sin": "cppn_sin_difference",
    "cos": "cppn_sin_difference",
    "tanh": "cppn_tanh_difference",
    "gaussian": "cppn_gaussian_difference",
}
