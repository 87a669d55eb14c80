"""The activations as compiled code, against many digits: the error table of `activations.py`."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.codegen import ArrayOf, Compiled, Module, activations
from tilecppn.codegen.activations import FUNCTIONS
from tilecppn.codegen.values import ELEMENTS, I64
from tilecppn.cppn import ACTIVATIONS

Values = NDArray[np.floating]

DTYPES = ["float32", "float64"]
UNIT = {"float32": 2.0**-23, "float64": 2.0**-52}
WIDEST = {"float32": 87.0, "float64": 708.0}  # of exp's argument: smaller results stay e^-WIDEST
LANES = 8
DIGITS = mpmath.MPContext()
DIGITS.prec = 150

# In many digits, without overflow or cancellation.
EXACT: dict[str, Callable[[Any], Any]] = {
    "tanh": DIGITS.tanh,
    "sigmoid": lambda x: 1 / (1 + DIGITS.exp(-x)),
    "softplus": lambda x: max(x, 0) + DIGITS.log1p(DIGITS.exp(-abs(x))),
    "relu": lambda x: max(x, 0),
    "leaky-relu": lambda x: max(x, x / 5),
    "sin": DIGITS.sin,
    "cos": DIGITS.cos,
    "gaussian": lambda x: DIGITS.exp(-x * x),
    "abs": abs,
    "square": lambda x: x * x,
    "identity": lambda x: x,
    "half-sine": lambda x: (DIGITS.sin(x) + 1) / 2,
    "sqrt-tanh": lambda x: DIGITS.sqrt(2 / (1 + DIGITS.exp(2 * abs(x)))),
    "sigmoid-sin": lambda x: 1 / (1 + DIGITS.exp(-DIGITS.sin(x))),
}
PERIODIC = {"sin": 1.0, "cos": 1.0, "half-sine": 0.5, "sigmoid-sin": 0.25}  # steepest slopes


class Bound(NamedTuple):
    relative: bool
    units: dict[str, float]


def _table() -> dict[str, Bound]:
    """The rows of the module's docstring: | names | relative or absolute | float32 | float64 |."""
    row = re.compile(r"^\| (.+?) +\| (relative|absolute) +\| ([\d.]+) +\| ([\d.]+) +\|$", re.M)
    return {
        name: Bound(kind == "relative", {"float32": float(single), "float64": float(double)})
        for names, kind, single, double in row.findall(activations.__doc__ or "")
        for name in names.split(", ")
    }


BOUNDS = _table()


@cache
def compiled(name: str, dtype: str, lanes: int) -> Callable[..., None]:
    """An activation over an array, `lanes` numbers at a time."""
    return Compiled(applying, name, dtype, lanes)["apply"]


def applying(name: str, dtype: str, lanes: int) -> Module:
    real = ELEMENTS[np.dtype(dtype)]
    module = Module()
    f = module.function("apply", x=ArrayOf(real), count=I64, y=ArrayOf(real))
    with f.loop(f["count"], step=lanes) as i:
        f.array("y").store(FUNCTIONS[name](f.array("x").load(i, lanes)), i)
    f.end()
    return module


def applied(name: str, x: Values, lanes: int = LANES) -> Values:
    padded = np.concatenate([x, np.zeros(-len(x) % lanes, x.dtype)])
    y = np.empty_like(padded)
    compiled(name, x.dtype.name, lanes)(padded, len(padded), y)
    return y[: len(x)]


def exact(name: str, x: float) -> Any:
    return EXACT[name](DIGITS.mpf(x))


def edges(dtype: str) -> Values:
    """Both signs of: 0, denormal, tiny, where branches and clamps meet, large, and their
    neighbours.
    """
    real = np.dtype(dtype).type
    info = np.finfo(dtype)
    points = [0.0, info.smallest_subnormal, info.tiny, info.eps, 1e-6, 0.5, 1.0, np.pi / 2, np.pi]
    points += [0.34657359, 0.69314718, 8.8, 20.0, 43.5, 87.0, 88.8, 354.0, 708.0, 745.0, 1e4]
    values = np.array(points, dtype)
    values = np.concatenate(
        [values, np.nextafter(values, real(0)), np.nextafter(values, real(1e9))]
    )
    return np.concatenate([values, -values]).astype(dtype)


def grid(dtype: str) -> Values:
    """Where the functions bend, densely and evenly; and every magnitude down to the denormal."""
    rng = np.random.default_rng(1)
    near = [np.linspace(-a, a, 1001) + rng.uniform(-1e-3, 1e-3, 1001) for a in (1.0, 10.0, 100.0)]
    low = np.log10(float(np.finfo(dtype).smallest_subnormal))
    small = 10.0 ** rng.uniform(low, 0.0, 300) * rng.choice([-1.0, 1.0], 300)
    return np.concatenate([*near, small]).astype(dtype)


def errors(name: str, x: Values, y: Values) -> Values:
    """In units of the last place of 1; relative to the true value where the table says so.

    A value below the smallest that exp's end leaves, e^-WIDEST or its root, counts as that.
    """
    dtype = x.dtype.name
    least = exact(name, WIDEST[dtype] / 2) if name == "sqrt-tanh" else DIGITS.exp(-WIDEST[dtype])
    found = []
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        true = exact(name, a)
        error = abs(max(DIGITS.mpf(b), least) - max(true, least)) if true >= 0 else abs(b - true)
        found.append(float(error / (max(abs(true), least) if BOUNDS[name].relative else 1)))
    return np.array(found) / UNIT[dtype]


def test_the_table_bounds_every_activation() -> None:
    assert set(BOUNDS) == set(FUNCTIONS) == set(ACTIVATIONS) == set(EXACT)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_stay_within_the_table(name: str, dtype: str) -> None:
    x = grid(dtype)
    found = errors(name, x, applied(name, x))
    assert found.max() <= BOUNDS[name].units[dtype], x[found.argmax()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_stay_within_the_table_at_the_edges(name: str, dtype: str) -> None:
    x = edges(dtype)
    x = x[np.abs(x) < 100.0] if name in PERIODIC else x
    found = errors(name, x, applied(name, x))
    assert found.max() <= BOUNDS[name].units[dtype], x[found.argmax()]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PERIODIC)
def test_far_arguments_cost_no_more_than_twice_their_own_last_place(name: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    largest = np.log10(float(np.finfo(dtype).max)) - 0.1
    x = 10.0 ** np.concatenate([rng.uniform(1, 9, 1000), rng.uniform(9, largest, 300)])
    x = (x * rng.choice([-1.0, 1.0], len(x))).astype(dtype)
    y = applied(name, x)
    own = 2.0 * UNIT[dtype] * PERIODIC[name] * np.abs(x).astype(np.float64)
    true = np.array([float(exact(name, a)) for a in x.tolist()])
    allowed = BOUNDS[name].units[dtype] * UNIT[dtype] + own
    assert (np.abs(y - true) <= allowed).all()
    values = ACTIVATIONS[name].function(np.linspace(-np.pi, np.pi, 1001))
    assert y.min() >= values.min() - UNIT[dtype]
    assert y.max() <= values.max() + UNIT[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_stays_nan_in_its_own_lane(name: str, dtype: str) -> None:
    x = np.linspace(-3.0, 3.0, 16).astype(dtype)
    for lane in range(16):
        broken = x.copy()
        broken[lane] = np.nan
        y = applied(name, broken)
        assert np.isnan(y[lane])
        assert np.array_equal(np.delete(y, lane), np.delete(applied(name, x), lane))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_infinity_has_its_limit(name: str, dtype: str) -> None:
    x = np.array([np.inf, -np.inf], dtype)
    with np.errstate(invalid="ignore"):
        limits = ACTIVATIONS[name].function(x.astype(np.float64))
    tiny = 2.0 * np.exp(-WIDEST[dtype] / 2)
    assert np.allclose(applied(name, x), limits, rtol=UNIT[dtype], atol=tiny, equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=25)
@given(data=st.data())
def test_lanes_give_the_bits_of_a_scalar(name: str, dtype: str, data: st.DataObject) -> None:
    number = st.floats(width=32) if dtype == "float32" else st.floats()
    x = np.array(data.draw(st.lists(number, min_size=1, max_size=20)), dtype)
    one = applied(name, x, lanes=1)
    for lanes in (2, 4, 16):
        assert np.array_equal(applied(name, x, lanes), one, equal_nan=True)
        signs = np.signbit(applied(name, x, lanes)) ^ np.signbit(one)
        assert not signs[~np.isnan(one)].any()


def test_exp_ends_where_the_tests_say() -> None:
    assert activations.SINGLE.widest == WIDEST["float32"]
    assert activations.DOUBLE.widest == WIDEST["float64"]
