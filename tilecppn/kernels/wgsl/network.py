"""Generates `cppn_network`, from differences of x, y and r to the network's outputs.

Layers and vectors of four units are unrolled or loops, by the same statements: their numbers are
constants or variables. With detail the first layers evaluate differences from the reference, which
no zoom makes inexact, and the others their own sums, which cost half as much: the constant of a
layer is its bias, or in the first layer after differences its sums at the reference.
"""

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from tilecppn.kernels.wgsl.activations import DIFFERENCES, FUNCTIONS
from tilecppn.kernels.wgsl.shape import Functions, Shape
from tilecppn.kernels.wgsl.text import vector

Row = Callable[[str], str]  # the expression for the row of data with this index


class Form(NamedTuple):
    """How a network is written."""

    weights: Row
    reference: Row
    layers: bool = False  # whether layers are a loop
    vectors: bool = False  # whether vectors are loops
    traced: bool = False  # whether all sums are passed to `cppn_trace`


def network_function(shape: Shape, form: Form, differences: int = 0) -> str:
    """Return the source of `cppn_network`.

    differences: of unrolled layers, how many evaluate differences. As a loop, the function has that
    and the number of all layers as parameters.
    """
    parameters = ", layers: i32, differences: i32" if form.layers else ""
    lines = [
        f"fn cppn_network(p: vec4f{parameters}) -> vec4f {{",
        f"  var h: array<vec4f, {shape.vectors}>;",
        f"  var s: array<vec4f, {shape.vectors}>;",
        f"  var total: vec4f = {form.reference(str(shape.outputs))};",
        *(_loops(shape, form) if form.layers else _unrolled(shape, form, differences)),
    ]
    if not shape.detail:
        lines += _readout(shape, form, str(shape.readout(0)))
    if form.traced:
        lines.append("  cppn_trace(layers, 0, total);")
    outputs = tuple(shape.output[min(k, shape.channels - 1)] for k in range(4))
    value = _applied(outputs, lambda f: f"{FUNCTIONS[f]}(total)")
    return "\n".join([*lines, f"  return {value};", "}"])


def _unrolled(shape: Shape, form: Form, differences: int) -> list[str]:
    lines = []
    for i in range(len(shape.layers)):
        lines += _sums(shape, form, i, str(shape.weights(i)))
        lines += _values(shape, form, i, str(i), str(shape.reference(i)), i < differences)
        if shape.detail:
            lines += _readout(shape, form, str(shape.readout(i)))
    return lines


def _loops(shape: Shape, form: Form) -> list[str]:
    """Return loops over the layers with differences, then over the others.

    Layer 0 has loops of its own, of one turn or none, since software seems to evaluate both sides
    of a condition.
    """
    parts = [(False, "0", "1", "layers")]
    if shape.detail:
        parts = [
            (True, "0", "1", "differences"),
            (False, "differences", "max(1, differences)", "layers"),
        ]
    lines, others = [], range(1, len(shape.layers))
    for differs, start, second, end in parts:
        lines += _loop(shape, form, start, f"min(1, {end})", differs, range(1))
        if others:
            lines += _loop(shape, form, second, end, differs, others)
    return lines


def _loop(
    shape: Shape, form: Form, start: str, end: str, differs: bool, layers: range
) -> list[str]:
    """Return a loop over some of `layers`, all with differences or all without."""
    first, stride = layers[0], shape.vectors * shape.inputs(layers[0])
    body = [
        f"  let k: i32 = {shape.weights(first) - first * stride} + i * {stride};",
        f"  let r: i32 = {shape.reference(0)} + i * {shape.vectors * shape.reference_rows};",
        *_sums(shape, form, first, "k"),
        *_branches(
            [
                (condition, _values(shape, form, layer, "i", "r", differs))
                for condition, layer in _equal_layers(shape.layers, layers)
            ]
        ),
    ]
    if shape.detail:
        body.append(f"  let t: i32 = {shape.readout(0)} + i * {shape.channels * shape.vectors};")
        body += _readout(shape, form, "t")
    head = f"  for (var i: i32 = {start}; i < {end}; i = i + 1) {{"
    return [head, *_indented(body), "  }"]


def _equal_layers(functions_of: tuple[Functions, ...], layers: range) -> list[tuple[str, int]]:
    """Return, for each sort of layers, the condition that `i` is one of them, and one of them."""
    runs: dict[Functions, list[str]] = {}
    first: dict[Functions, int] = {}
    i = layers[0]
    for functions, run in groupby(functions_of[layers[0] : layers[-1] + 1]):
        count = len(list(run))
        inside = f"(i >= {i} && i < {i + count})" if count > 1 else f"i == {i}"
        runs.setdefault(functions, []).append(inside)
        first.setdefault(functions, i)
        i += count
    found = [(" || ".join(conditions), first[f]) for f, conditions in runs.items()]
    longest = max(range(len(found)), key=lambda k: len(found[k][0]))
    found.append(found.pop(longest))  # what is left has the longest condition
    return found


def _branches(cases: list[tuple[str, list[str]]]) -> list[str]:
    """Return statements under their conditions; the last case is that of no other condition."""
    *cases, (_, otherwise) = cases
    if not cases:
        return otherwise
    lines = []
    for k, (condition, statements) in enumerate(cases):
        lines += [f"  {'} else ' if k else ''}if ({condition}) {{", *_indented(statements)]
    return [*lines, "  } else {", *_indented(otherwise), "  }"]


def _each(form: Form, start: int, end: int, body: Callable[[str], list[str]]) -> list[str]:
    """Return the statements of each vector from `start` on, unrolled or as a loop."""
    if not form.vectors:
        return [line for o in range(start, end) for line in body(str(o))]
    head = f"  for (var o: i32 = {start}; o < {end}; o = o + 1) {{"
    return [head, *_indented(body("o")), "  }"]


def _sums(shape: Shape, form: Form, layer: int, base: str) -> list[str]:
    """Return statements for the products of a layer's weights and its inputs, `s` from `h`."""
    inputs = shape.inputs(layer)

    def row(o: str, k: int, j: str = "0") -> str:
        return form.weights(_index(base, (o, inputs), (j, 4), constant=k))

    def matrix(o: str, j: str) -> str:
        columns = ", ".join(row(o, k, j) for k in range(4))
        return f"mat4x4f({columns}) * h[{j}]"

    def body(o: str) -> list[str]:
        if layer == 0:
            terms = [f"{row(o, k)} * p.{'xyz'[k]}" for k in range(3 if shape.radius else 2)]
        elif form.vectors:
            return [
                f"  s[{o}] = vec4f(0.0);",
                f"  for (var j: i32 = 0; j < {shape.vectors}; j = j + 1) {{",
                f"    s[{o}] = s[{o}] + {matrix(o, 'j')};",
                "  }",
            ]
        else:
            terms = [matrix(o, str(j)) for j in range(shape.vectors)]
        return [f"  s[{o}] = {' + '.join(terms)};"]

    return _each(form, 0, shape.vectors, body)


def _values(
    shape: Shape, form: Form, layer: int, i: str, base: str, differences: bool
) -> list[str]:
    """Return statements for a layer's values, `h` from `s`; base: its row in the reference."""
    lines, start = [], 0
    patterns = [shape.functions(layer, o) for o in range(shape.vectors)]
    for functions, run in groupby(patterns):
        end = start + len(list(run))

        def body(o: str, functions: Functions = functions) -> list[str]:
            a, b = (
                form.reference(_index(base, (o, shape.reference_rows), constant=k)) for k in (0, 1)
            )
            trace = [f"  cppn_trace({i}, {o}, s[{o}]);"] if form.traced else []
            if differences:
                value = _applied(functions, lambda f: f"{DIFFERENCES[f]}({a}, {b}, s[{o}])")
                return [*trace, f"  h[{o}] = {value};"]
            value = _applied(functions, lambda f: f"{FUNCTIONS[f]}(s[{o}])")
            added = f"h[{o}] + " if shape.residual and layer > 0 else ""
            return [f"  s[{o}] = s[{o}] + {a};", *trace, f"  h[{o}] = {added}{value};"]

        lines += _each(form, start, end, body)
        start = end
    return lines


def _readout(shape: Shape, form: Form, base: str) -> list[str]:
    """Return statements that add a layer's contribution to the outputs."""

    def dots(j: str) -> list[str]:
        rows = (_index(base, (j, 1), constant=c * shape.vectors) for c in range(shape.channels))
        return [f"dot({form.weights(row)}, h[{j}])" for row in rows]

    def added(sums: list[str]) -> str:
        return f"  total = total + vec4f({', '.join([*sums, *['0.0'] * (4 - len(sums))])});"

    if form.vectors:
        return _each(form, 0, shape.vectors, lambda o: [added(dots(o))])
    terms = zip(*(dots(str(j)) for j in range(shape.vectors)), strict=True)
    return [added([" + ".join(of_channel) for of_channel in terms])]


def _applied(functions: Functions, call: Callable[[str], str]) -> str:
    """Return an expression that applies a function to each of four lanes; call: makes a call."""
    names = list(dict.fromkeys(functions))
    text = call(names[0])
    for name in names[1:]:
        mask = [1.0 if f == name else 0.0 for f in functions]
        text = f"mix({text}, {call(name)}, {vector(mask)})"
    return text


def _index(base: str, *factors: tuple[str, int], constant: int = 0) -> str:
    """Return `base` + each variable times its factor + `constant`; numbers are added up."""
    terms = []
    for term, factor in ((base, 1), *factors):
        if term.isdecimal():
            constant += int(term) * factor
        else:
            terms.append(term if factor == 1 else f"{term} * {factor}")
    return " + ".join([*terms, str(constant)] if constant or not terms else terms)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
