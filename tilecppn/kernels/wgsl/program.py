"""Assembles programs: a network with its inputs before and its colours behind.

A program has one of two forms. With the numbers as data (`program_of`), it reads rows of a buffer
or a texture by `cppn_at`, which the surrounding shader defines: weights, latent and view may
change. With the numbers in the text (`function_alone`), it is self-contained.
"""

from typing import NamedTuple

from tilecppn.kernels.base import EvaluationContext
from tilecppn.kernels.wgsl import activations, colours
from tilecppn.kernels.wgsl.data import Data
from tilecppn.kernels.wgsl.network import Form, network_function
from tilecppn.kernels.wgsl.points import point_function
from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.kernels.wgsl.text import number, vector, with_called
from tilecppn.scene import palettes
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import FULL, Output
from tilecppn.scene.view import Grid

# Vectors of four units up to which a layer is unrolled. Wider ones are loops: drivers take very
# long to compile that much text, and software adapters fail.
UNROLLED = 8
# Rows of weights up to which loops over layers may be unrolled. Chromium's software takes 0.1 s for
# 150 of them, and ends after too long.
MOST = 4096
# Rows of data up to which a plain network's may be literals in the text, as in a hand-written
# shader. More text takes longer to compile than it saves.
LITERAL = 1024

# Brief functions have about 100 times float32's error. They serve plain networks where float32 is
# expected to put at most this share of 8-bit values off by one; then one in 20 may be, by no more.
BRIEF = 5e-4

# The square of how much values change across a pixel.
_CHANGE = """\
fn cppn_change(h: vec4f) -> vec4f {
  let a: vec4f = dpdx(h);
  let b: vec4f = dpdy(h);
  return a * a + b * b;
}"""
_LIBRARY = {**activations.LIBRARY, **colours.LIBRARY, "cppn_change": _CHANGE}


class Program(NamedTuple):
    """Functions in WGSL, and the shape of the data that they read.

    constant: the first of the rows that no view or latent changes; calls of `cppn_at` with the
    number of one of them may be replaced by their results. unrolled: the number of layers up to
    which the loops over layers may be unrolled.
    """

    source: str
    shape: Shape
    constant: int
    unrolled: int


def program_of(scene: Scene, shape: Shape) -> Program:
    """Return functions, the last of them `cppn_colour(d: vec2f, layers: i32, differences: i32)`.

    It returns a colour as vec3f. d: an offset from the reference in plane units, to the right and
    down. layers: the number of hidden layers to evaluate. differences: how many of them evaluate
    differences from the reference. The functions call `cppn_at(row: i32) -> vec4f` and those that a
    language has of its own; with detail they read `cppn_view`: see fragment.py.
    """
    literal = not shape.detail and shape.rows <= LITERAL
    vectors = shape.vectors > UNROLLED
    form = Form(_data, _data, layers=not literal, vectors=vectors, fineness="measured")
    rows = [_data(str(k)) for k in range(shape.outputs + 1)]
    stops = f"fn cppn_stop(i: i32) -> vec4f {{\n  return cppn_at({shape.palette} + i);\n}}"
    given = "" if literal else ", layers, differences"
    colour = _colour(scene, ", layers: i32, differences: i32", given)
    source = _around(scene, shape, rows, stops, network_function(shape, form), colour)
    constant = shape.reference(1) if literal else shape.readout(0)
    unrolled = 0 if literal or vectors else MOST // (4 * shape.vectors**2)
    return Program(source, shape, constant, unrolled)


def function_alone(scene: Scene, data: Data, stops: str) -> str:
    """Return functions, the last of them `cppn_colour(d: vec2f) -> vec3f`, with all numbers inside.

    stops: the source of `cppn_stop`, which differs between the languages. They call the functions
    that a language has of its own.
    """
    rows = [vector(row) for row in data.rows.tolist()]
    form = Form(lambda index: rows[int(index)], lambda index: rows[int(index)])
    network = network_function(data.shape, form, data.differences)
    return _around(scene, data.shape, rows, stops, network, _colour(scene, "", ""))


def kernel_functions(grid: Grid, shape: Shape, turn: tuple[str, str], *, compact: bool) -> str:
    """Return functions for a kernel, the last of them `cppn_point` and `cppn_network`.

    They call `cppn_at` for weights, `cppn_reference(row: i32) -> vec4f` for the rows before
    `shape.palette`, and `cppn_trace(layer: i32, vector: i32, sums: vec4f)` with the sums of each
    vector, or their differences from the reference; last with the outputs'. With detail the last
    parameter of `cppn_network` is the point's fineness; if `cppn_traced()`, faded layers are
    evaluated, too.
    turn: expressions for cosine and sine of the grid's rotation. compact: vectors are loops, too,
    which compile faster; else only those of wide layers are.
    """
    rows = [_block(str(k)) for k in range(shape.outputs + 1)]
    vectors = compact or shape.vectors > UNROLLED
    form = Form(_data, _block, layers=True, vectors=vectors, traced=True, fineness="given")
    points = point_function(shape, grid, rows, turn)
    return with_called(f"{points}\n{network_function(shape, form)}\n", _LIBRARY)


def _data(index: str) -> str:
    return f"cppn_at({index})"


def _block(index: str) -> str:
    return f"cppn_reference({index})"


def _around(scene: Scene, shape: Shape, rows: list[str], stops: str, *network: str) -> str:
    """Return the source with all that a network needs; rows: expressions for those of its point."""
    library = _LIBRARY
    context = EvaluationContext.of(scene)
    if not shape.detail and FULL["uint8"] * context.gain * context.float32_error <= BRIEF:
        library = {**library, **activations.BRIEF}
    rgb = colours.rgb_function(scene.output, shape.channels)
    points = point_function(shape, scene.grid, rows)
    palette = [*_light(scene.output, shape), stops] if shape.stops else []
    return "\n".join([*palette, with_called("\n".join([rgb, points, *network]), library)])


def _light(output: Output, shape: Shape) -> list[str]:
    """Return the constants of the palette."""
    lines = [f"const CPPN_LAST: f32 = {shape.stops - 1}.0;"]
    if shape.channels == 2:
        light = output.light
        shadow = palettes.lab_of(light.shadow).tolist()
        lines.append(f"const CPPN_SHADOW: vec4f = {vector([*shadow, light.shade])};")
        lines.append(f"const CPPN_GLOW: f32 = {number(light.glow)};")
    return lines


def _colour(scene: Scene, parameters: str, arguments: str) -> str:
    rgb = f"cppn_rgb(cppn_network(cppn_point(d){arguments}))"
    colour = f"1.0 - {rgb}" if scene.output.invert else rgb
    return (
        f"fn cppn_colour(d: vec2f{parameters}) -> vec3f {{\n"
        f"  return clamp({colour}, vec3f(0.0), vec3f(1.0));\n}}\n"
    )
