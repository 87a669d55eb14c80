"""Generates `cppn_network`, from differences of x, y and r to the network's outputs.

Layers and vectors of four units are unrolled or loops, by the same statements: their numbers are
constants or variables. With detail the first layers evaluate differences from the reference, which
no zoom makes inexact, and the others their own sums, which cost half as much: the constant of a
layer is its bias, or in the first layer after differences its sums at the reference.

With detail a layer's readout fades by the local fineness (`cppn.detail.LocalFineness`), which is a
parameter, or measured by derivatives: they need uniform control flow, which not all compilers see
in a loop that only some pixels leave. So only the loop of the last layers is left where a layer,
and with it all after it, has faded; none before it could have.
"""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import NamedTuple

from tilecppn.kernels.wgsl.activations import DIFFERENCES, FUNCTIONS
from tilecppn.kernels.wgsl.shape import Functions, Shape

Row = Callable[[str], str]  # the expression for the row of data with this index


_MEASURED = [
    "  let followed: i32 = i32(cppn_view[2].z);",
    "  var fineness: f32 = cppn_view[2].w;",
]


class Form(NamedTuple):
    """How a network is written."""

    weights: Row
    reference: Row
    layers: bool = False  # whether layers are a loop
    vectors: bool = False  # whether vectors are loops
    traced: bool = False  # whether all sums are passed to `cppn_trace`, where `cppn_traced`
    fineness: str = ""  # "given" or "measured", by which layers with detail fade; else they do not


def network_function(shape: Shape, form: Form, differences: int = 0) -> str:
    """Return the source of `cppn_network`.

    differences: of unrolled layers, how many evaluate differences. As a loop, the function has that
    and the number of all layers as parameters, and the fineness, if it is given.
    """
    parameters = ", layers: i32, differences: i32" if form.layers else ""
    parameters += ", fineness: f32" if shape.detail and form.fineness == "given" else ""
    lines = [
        f"fn cppn_network(p: vec4f{parameters}) -> vec4f {{",
        f"  var h: array<vec4f, {shape.vectors}>;",
        f"  var s: array<vec4f, {shape.vectors}>;",
        f"  var total: vec4f = {form.reference(str(shape.outputs))};",
        *(_MEASURED if shape.detail and form.fineness == "measured" else []),
        *(_loops(shape, form) if form.layers else _unrolled(shape, form, differences)),
    ]
    if not shape.detail:
        lines += _readout(shape, form, str(shape.readout(0)))
    if form.traced:
        lines.append("  cppn_trace(layers, 0, total);")
    outputs = tuple(shape.output[min(k, shape.channels - 1)] for k in range(4))
    value = _applied(outputs, FUNCTIONS, "total")
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
    first, others = range(1), range(1, len(shape.layers))
    if not shape.detail:
        loops = [_Loop("0", "1", first), _Loop("1", "layers", others)]
    else:
        measured = form.fineness == "measured"
        direct, last = "max(1, differences)", "followed + 2"
        loops = [
            _Loop("0", "min(1, differences)", first, True, measured),
            _Loop("1", "differences", others, True, measured, not measured),
            _Loop("differences", "1", first, False, measured),
        ]
        if measured:
            loops.append(_Loop(direct, f"min(layers, {last})", others, False, True))
            direct = f"max({direct}, {last})"
        loops.append(_Loop(direct, "layers", others, left=True))
    return [line for loop in loops if loop.layers for line in _loop(shape, form, loop)]


class _Loop(NamedTuple):
    """A loop over some of `layers`, from one expression to another."""

    start: str
    end: str
    layers: range
    differs: bool = False
    measures: bool = False  # whether the local fineness may be measured in it
    left: bool = False  # whether it ends where a layer has faded


def _loop(shape: Shape, form: Form, loop: _Loop) -> list[str]:
    layers, first = loop.layers, loop.layers[0]
    stride, fades = shape.vectors * shape.inputs(first), shape.detail and bool(form.fineness)
    body = [
        f"  let k: i32 = {shape.weights(first) - first * stride} + i * {stride};",
        f"  let r: i32 = {shape.reference(0)} + i * {shape.layer_rows};",
    ]
    if fades:
        fade = form.reference(_index("r", constant=shape.layer_rows - 1))
        body.append(f"  let fade: vec4f = {fade};")
        if form.fineness == "measured":
            factors = form.weights(_index("i", constant=shape.factors(0)))
            body.append(f"  let factors: vec4f = {factors};")
        if loop.left:
            kept = " && !cppn_traced()" if form.traced else ""
            body += [f"  if ({_start(form)} <= {_fineness(form)}{kept}) {{", "    break;", "  }"]
    body += _sums(shape, form, first, "k")
    body += _branches(
        [
            (condition, _values(shape, form, layer, "i", "r", loop.differs))
            for condition, layer in _equal_layers(shape.layers, layers)
        ]
    )
    if loop.measures:
        body += _measured(shape, form)
    if shape.detail:
        body.append(f"  let t: i32 = {shape.readout(0)} + i * {shape.channels * shape.vectors};")
        body += _faded(shape, form, "t") if fades else _readout(shape, form, "t")
    head = f"  for (var i: i32 = {loop.start}; i < {loop.end}; i = i + 1) {{"
    return [head, *_indented(body), "  }"]


def _fineness(form: Form) -> str:
    if form.fineness == "given":
        return "fineness"
    return "min(max(fineness, cppn_view[3].z), cppn_view[3].w)"


def _start(form: Form) -> str:
    # A page has it in the row that views change, so that offsets can be literals in the text.
    return "fade.w" if form.fineness == "given" else "factors.w"


def _measured(shape: Shape, form: Form) -> list[str]:
    """Return statements that add a layer's part to `fineness`, if the layer is followed."""

    added = "cppn_view[3][(i - followed) & 1] * log2(max(dot(square, vec4f(1.0)), 1e-30))"
    statements = [
        "  var square: vec4f = vec4f(0.0);",
        *_each(form, 0, shape.vectors, lambda o: [f"  square = square + cppn_change(h[{o}]);"]),
        f"  fineness = fineness + {added};",
    ]
    return ["  if (i == followed || i == followed + 1) {", *_indented(statements), "  }"]


def _faded(shape: Shape, form: Form, base: str) -> list[str]:
    """Return statements that add a layer's contribution to the outputs, as far as it is visible."""
    # The kernel's readouts have their factors.
    factors = "factors * " if form.fineness == "measured" else ""
    return [
        "  var part: vec4f = vec4f(fade.xyz, 0.0);",
        *_readout(shape, form, base, "part"),
        f"  let kept: f32 = min(max({_start(form)} - {_fineness(form)}, 0.0), 1.0);",
        f"  total = total + kept * kept * (3.0 - 2.0 * kept) * {factors}part;",
    ]


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
                "  var sum: vec4f = vec4f(0.0);",  # software is slow to find an s[o]
                f"  for (var j: i32 = 0; j < {shape.vectors}; j = j + 1) {{",
                f"    sum = sum + {matrix(o, 'j')};",
                "  }",
                f"  s[{o}] = sum;",
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
                value = _applied(functions, DIFFERENCES, "a", "b", f"s[{o}]")
                lets = [f"  let a: vec4f = {a};", f"  let b: vec4f = {b};"]
                return [*trace, "  {", *_indented([*lets, f"  h[{o}] = {value};"]), "  }"]
            value = _applied(functions, FUNCTIONS, f"s[{o}]")
            added = f"h[{o}] + " if shape.residual and layer > 0 else ""
            return [f"  s[{o}] = s[{o}] + {a};", *trace, f"  h[{o}] = {added}{value};"]

        lines += _each(form, start, end, body)
        start = end
    return lines


def _readout(shape: Shape, form: Form, base: str, into: str = "total") -> list[str]:
    """Return statements that add a layer's contribution to the outputs."""

    def dots(j: str) -> list[str]:
        rows = (_index(base, (j, 1), constant=c * shape.vectors) for c in range(shape.channels))
        return [f"dot({form.weights(row)}, h[{j}])" for row in rows]

    def added(sums: list[str]) -> str:
        return f"  {into} = {into} + vec4f({', '.join([*sums, *['0.0'] * (4 - len(sums))])});"

    if form.vectors:
        return _each(form, 0, shape.vectors, lambda o: [added(dots(o))])
    terms = zip(*(dots(str(j)) for j in range(shape.vectors)), strict=True)
    return [added([" + ".join(of_channel) for of_channel in terms])]


def _applied(functions: Functions, calls: Mapping[str, str], *vectors: str) -> str:
    """Return the vector of each of four functions applied to its lane of the vectors."""
    lanes = (
        f"{calls[function]}({', '.join(f'{name}.{lane}' for name in vectors)})"
        for function, lane in zip(functions, "xyzw", strict=True)
    )
    return f"vec4f({', '.join(lanes)})"


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
