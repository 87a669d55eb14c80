"""Generates the shader's program: `cppn_colour`, from an offset to red, green and blue.

It has two forms. With the numbers as data (`program_of`), it reads rows of a buffer or a texture by
`cppn_at`, which the surrounding shader defines: weights, latent and view may change. With the
numbers in the text (`function_alone`), it is self-contained.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

from tilecppn.kernels.wgsl import activations, colours
from tilecppn.kernels.wgsl.data import Data
from tilecppn.kernels.wgsl.points import needs_sine, point_function
from tilecppn.kernels.wgsl.shape import Functions, Shape
from tilecppn.kernels.wgsl.text import number, vector, with_needs
from tilecppn.scene import palettes
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import Output
from tilecppn.scene.view import Grid

Row = Callable[[str, int], str]  # the expression for row `base + k` of the data
Own = Callable[[int], str]  # the expression for row k of four units' reference

# Vectors of four units up to which a layer is unrolled. Wider ones are loops: drivers take very
# long to compile that much text, and software adapters fail.
WRITTEN_OUT = 8
# Rows of data up to which a plain network's may be literals in the text, as in a hand-written
# shader. More text takes longer to compile than it saves.
LITERAL = 1024

_LIBRARY = {**activations.LIBRARY, **colours.LIBRARY}


class Program(NamedTuple):
    """Functions in WGSL, and the shape of the data that they read.

    constant: the first of the rows that no view or latent changes, and that are read by constant
    numbers; calls of `cppn_at` for them may be replaced by their results.
    """

    source: str
    shape: Shape
    constant: int


class Rows(NamedTuple):
    """The expressions by which a program reads its numbers."""

    data: Row
    reference: Row
    written: bool  # layers unrolled, not as loops
    numbers: bool = False  # products unrolled, too, not in functions
    traced: bool = False  # whether all sums are passed to `cppn_trace`


class Place(NamedTuple):
    """Expressions for a layer's number and the first rows of its weights and its reference."""

    layer: str
    weights: str
    reference: str


def program_of(scene: Scene, shape: Shape) -> Program:
    """Return functions, the last of them `cppn_colour(d: vec2f, layers: i32) -> vec3f`.

    d: an offset from the reference in plane units, to the right and down. layers: the number of
    hidden layers to evaluate. They call `cppn_at(row: i32) -> vec4f` and `cppn_power(n: vec4f)`,
    2^n.
    """
    rows = [_data_row(str(k), 0) for k in range(shape.outputs + 1)]
    stops = f"fn cppn_stop(i: i32) -> vec4f {{\n  return cppn_at({shape.palette} + i);\n}}"
    count = shape.layer(len(shape.layers))
    literal = not shape.detail and count <= LITERAL
    if literal:
        network = _written_out(shape, _data_row, ", layers: i32")
    else:
        network = _networks(shape, Rows(_data_row, _data_row, shape.fours <= WRITTEN_OUT))
    source = _joined(scene, shape, rows, stops, network, with_layers=True)
    return Program(source, shape, shape.reference(1) if literal else count)


def network_of(grid: Grid, shape: Shape, turn: tuple[str, str], *, looped: bool) -> str:
    """Return functions for a kernel, the last of them `cppn_point` and `cppn_network`.

    They call `cppn_at` for weights, `cppn_reference(row: i32) -> vec4f` for the rows before
    `shape.palette`, and `cppn_trace(layer: i32, four: i32, sums: vec4f)` with the sums of each four
    units, or with detail their differences from the reference; last with the outputs'.
    turn: expressions for cosine and sine of the grid's rotation. looped: all layers are loops,
    which compile faster; else narrow ones are unrolled.
    """
    rows = [_block_row(str(k), 0) for k in range(shape.outputs + 1)]
    written = shape.fours <= WRITTEN_OUT and not looped
    network = _networks(shape, Rows(_data_row, _block_row, written, traced=True))
    parts = [*with_needs(_used(shape), _LIBRARY), point_function(shape, grid, rows, turn), *network]
    return "\n".join(parts) + "\n"


def _networks(shape: Shape, rows: Rows) -> list[str]:
    written = [_members(shape), _sums(shape), _readouts(shape)]
    return [*(written if rows.written else []), _network(shape, rows)]


def _used(shape: Shape) -> list[str]:
    """Return the names of the functions that a network calls."""
    table = activations.DIFFERENCES if shape.detail else activations.FUNCTIONS
    used = sorted({table[name] for layer in shape.layers for name in layer})
    used += sorted({activations.FUNCTIONS[name] for name in shape.output})
    return [*used, "cppn_sin", "cppn_sin_difference"] if needs_sine(shape) else used


def function_alone(scene: Scene, data: Data, stops: str) -> str:
    """Return functions, the last of them `cppn_colour(d: vec2f) -> vec3f`, with all numbers inside.

    stops: the source of `cppn_stop`, which differs between the languages. They call `cppn_power`.
    """
    shape = data.shape
    rows = [vector(row) for row in data.rows[: shape.outputs + 1].tolist()]
    network = _written_out(shape, _literals(data))
    return _joined(scene, shape, rows, stops, network, with_layers=False)


def _joined(
    scene: Scene,
    shape: Shape,
    rows: list[str],
    stops: str,
    network: Sequence[str],
    *,
    with_layers: bool,
) -> str:
    colour = colours.colour_piece(scene.output, shape.channels)
    has_stops = shape.stops > 0
    parts = [
        *(_light(scene.output, shape) if has_stops else []),
        *([stops] if has_stops else []),
        *with_needs([*_used(shape), colour], _LIBRARY),
        point_function(shape, scene.grid, rows),
        *network,
        _colour(scene.output.invert, layers=with_layers),
    ]
    return "\n".join(parts) + "\n"


def _light(output: Output, shape: Shape) -> list[str]:
    """Return the constants of the palette."""
    lines = [f"const CPPN_LAST: f32 = {shape.stops - 1}.0;"]
    if shape.channels == 2:
        light = output.light
        shadow = palettes.lab_of(light.shadow).tolist()
        lines.append(f"const CPPN_SHADOW: vec4f = {vector([*shadow, light.shade])};")
        lines.append(f"const CPPN_GLOW: f32 = {number(light.glow)};")
    return lines


def _members(shape: Shape) -> str:
    fields = ", ".join(f"h{k}: vec4f" for k in range(shape.fours))
    return f"struct Cppn {{ {fields} }}"


def _product(row: Row, base: str, shape: Shape) -> str:
    """Return the product of four units' weights and the previous layer's values."""
    terms = []
    for k in range(shape.fours):
        columns = ", ".join(row(base, 4 * k + c) for c in range(4))
        terms.append(f"mat4x4f({columns}) * h.h{k}")
    return "\n    + ".join(terms)


def _plus(base: str, k: int) -> str:
    """Return the expression `base + k`; if `base` is a number, the sum."""
    if base.isdecimal():
        return str(int(base) + k)
    return f"{base} + {k}" if k else base


def _data_row(base: str, k: int) -> str:
    return f"cppn_at({_plus(base, k)})"


def _block_row(base: str, k: int) -> str:
    return f"cppn_reference({_plus(base, k)})"


def _sums(shape: Shape) -> str:
    """Return `cppn_sums`: products with the previous layer of four units with rows from k on."""
    return (
        "fn cppn_sums(k: i32, h: Cppn) -> vec4f {\n  return "
        + _product(_data_row, "k", shape)
        + ";\n}"
    )


def _readouts(shape: Shape) -> str:
    """Return `cppn_read`: a layer's contribution to the outputs; its readout begins at row k."""
    body = _read(_data_row, "k", shape)
    return f"fn cppn_read(k: i32, h: Cppn) -> vec4f {{\n  return {body};\n}}"


def _read(row: Row, base: str, shape: Shape) -> str:
    sums = []
    for c in range(shape.channels):
        terms = (f"dot({row(base, c * shape.fours + k)}, h.h{k})" for k in range(shape.fours))
        sums.append("\n    + ".join(terms))
    return "vec4f(" + ",\n    ".join([*sums, *["0.0"] * (4 - len(sums))]) + ")"


def _applied(functions: Sequence[str], call: Callable[[str], str]) -> str:
    """Return an expression that applies a function to each of four lanes; call: makes a call."""
    names = list(dict.fromkeys(functions))
    text = call(names[0])
    for name in names[1:]:
        mask = [1.0 if f == name else 0.0 for f in functions]
        text = f"mix({text}, {call(name)}, {vector(mask)})"
    return text


def _four(functions: Functions, k: int) -> Sequence[str]:
    """Return the functions of four units; units beyond the last have its function."""
    return [functions[min(4 * k + lane, len(functions) - 1)] for lane in range(4)]


def _unit(shape: Shape, layer: int, k: int, own: Own, sums: str) -> str:
    """Return the expression for four units' values; own: their rows of the reference."""
    four = _four(shape.layers[layer], k)
    if shape.detail:
        a, b = own(0), own(1)
        return _applied(four, lambda f: f"{activations.DIFFERENCES[f]}({a}, {b}, {sums})")
    value = _applied(four, lambda f: f"{activations.FUNCTIONS[f]}({sums})")
    return f"h.h{k} + {value}" if shape.residual and layer > 0 else value


def _first(row: Row, base: str, shape: Shape) -> str:
    weights = [row(base, c) for c in range(3 if shape.radius else 2)]
    return " + ".join(f"{w} * p.{'xyz'[c]}" for c, w in enumerate(weights))


def _outputs(shape: Shape) -> str:
    return (
        "  return "
        + _applied(_four(shape.output, 0), lambda f: f"{activations.FUNCTIONS[f]}(total)")
        + ";\n}"
    )


def _network(shape: Shape, rows: Rows) -> str:
    """Return `cppn_network`: layer 0, and a loop for each run of equal layers."""
    kind = "Cppn" if rows.written else f"array<vec4f, {shape.fours}>"
    lines_of = _fours_written if rows.written else _fours_looped
    last = shape.readout(len(shape.layers) - 1)
    lines = [
        "fn cppn_network(p: vec4f, layers: i32) -> vec4f {",
        f"  var total: vec4f = {rows.reference(str(shape.outputs), 0)};",
        f"  var h: {kind};",
        f"  var n: {kind};",
        *lines_of(shape, 0, rows, Place("0", str(shape.layer(0)), str(shape.reference(0)))),
        "  h = n;",
    ]
    if shape.detail:
        lines += _read_lines(shape, rows, str(shape.readout(0)))
    for start, end in shape.runs:
        of_reference = f"{shape.reference(0)} + i * {shape.fours * shape.own}"
        lines.append(f"  for (var i: i32 = {start}; i < min({end}, layers); i = i + 1) {{")
        lines.append(f"    let k: i32 = {shape.layer(start)} + (i - {start}) * {shape.stride};")
        lines.append(f"    let r: i32 = {of_reference};")
        lines += [f"  {line}" for line in lines_of(shape, start, rows, Place("i", "k", "r"))]
        lines.append("    h = n;")
        if shape.detail:
            at = shape.fours * shape.four(start)
            lines += [f"  {line}" for line in _read_lines(shape, rows, f"k + {at}")]
        lines.append("  }")
    if not shape.detail:
        lines += _read_lines(shape, rows, str(last))
    if rows.traced:
        lines.append("  cppn_trace(layers, 0, total);")
    return "\n".join([*lines, _outputs(shape)])


def _fours_written(shape: Shape, layer: int, rows: Rows, place: Place) -> list[str]:
    """Return unrolled statements for the units of a layer, `n` from `h`."""
    lines = []
    for k in range(shape.fours):
        at = _plus(place.weights, k * shape.four(layer))
        if layer == 0:
            sums = _first(rows.data, at, shape)
        elif rows.numbers:
            sums = _product(rows.data, at, shape)
        else:
            sums = f"cppn_sums({at}, h)"
        four = partial(rows.reference, _plus(place.reference, k * shape.own))
        total = sums if shape.detail else f"{four(0)} + {sums}"
        lines.append(f"  let s{k}: vec4f = {total};")
        if rows.traced:
            lines.append(f"  cppn_trace({place.layer}, {k}, s{k});")
        lines.append(f"  n.h{k} = {_unit(shape, layer, k, four, f's{k}')};")
    return lines


def _fours_looped(shape: Shape, layer: int, rows: Rows, place: Place) -> list[str]:
    """Return statements like `_fours_written`, as loops over fours with the same functions."""
    patterns = [tuple(_four(shape.layers[layer], k)) for k in range(shape.fours)]
    lines, k = [], 0
    products = ", ".join(rows.data("q + 4 * j", c) for c in range(4))
    four = partial(rows.reference, "w")
    while k < shape.fours:
        end = next((e for e in range(k, shape.fours) if patterns[e] != patterns[k]), shape.fours)
        lines.append(f"  for (var o: i32 = {k}; o < {end}; o = o + 1) {{")
        lines.append(f"    let q: i32 = {place.weights} + o * {shape.four(layer)};")
        lines.append(f"    let w: i32 = {place.reference} + o * {shape.own};")
        lines.append(f"    var s: vec4f = {'vec4f(0.0)' if shape.detail else four(0)};")
        if layer == 0:
            lines.append(f"    s = s + {_first(rows.data, 'q', shape)};")
        else:
            lines.append(f"    for (var j: i32 = 0; j < {shape.fours}; j = j + 1) {{")
            lines.append(f"      s = s + mat4x4f({products}) * h[j];")
            lines.append("    }")
        if rows.traced:
            lines.append(f"    cppn_trace({place.layer}, o, s);")
        value = _unit(shape, layer, k, four, "s").replace(f"h.h{k} +", "h[o] +")
        lines += [f"    n[o] = {value};", "  }"]
        k = end
    return lines


def _read_lines(shape: Shape, rows: Rows, row: str) -> list[str]:
    """Return statements that add a layer's readout to `total`."""
    if rows.written:
        return [f"  total = total + cppn_read({row}, h);"]
    sums = [f"dot(cppn_at({row} + j + {c * shape.fours}), h[j])" for c in range(shape.channels)]
    sums += ["0.0"] * (4 - len(sums))
    return [
        f"  for (var j: i32 = 0; j < {shape.fours}; j = j + 1) {{",
        f"    total = total + vec4f({', '.join(sums)});",
        "  }",
    ]


def _literals(data: Data) -> Row:
    @cache
    def row(base: str, k: int) -> str:
        return vector(data.rows[int(base) + k].tolist())

    return row


def _written_out(shape: Shape, row: Row, parameters: str = "") -> list[str]:
    """Return `cppn_network` with all layers unrolled, and its dependencies."""
    rows = Rows(row, row, written=True, numbers=True)
    lines = [
        f"fn cppn_network(p: vec4f{parameters}) -> vec4f {{",
        f"  var total: vec4f = {row(str(shape.outputs), 0)};",
        "  var h: Cppn;",
        "  var n: Cppn;",
    ]
    for i in range(len(shape.layers)):
        place = Place(str(i), str(shape.layer(i)), str(shape.reference(i)))
        lines += ["  {", *_fours_written(shape, i, rows, place), "  }", "  h = n;"]
        if shape.is_read(i):
            lines.append(f"  total = total + {_read(row, str(shape.readout(i)), shape)};")
    return [_members(shape), "\n".join([*lines, _outputs(shape)])]


def _colour(invert: bool, *, layers: bool) -> str:
    parameters, given = (", layers: i32", ", layers") if layers else ("", "")
    rgb = f"cppn_rgb(cppn_network(cppn_point(d){given}))"
    colour = f"1.0 - {rgb}" if invert else rgb
    return (
        f"fn cppn_colour(d: vec2f{parameters}) -> vec3f {{\n"
        f"  return clamp({colour}, vec3f(0.0), vec3f(1.0));\n}}"
    )
