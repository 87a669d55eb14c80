"""Generates the shader function from offsets to differences of x, y and r, with symmetry.

The folds are those of `tilecppn.scene.symmetry`, applied to differences from the reference, so that
no precision is lost at any zoom.
"""

from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.kernels.wgsl.text import number
from tilecppn.scene.symmetry import reflections
from tilecppn.scene.view import Grid

_RADIUS = """\
  let place: vec4f = {row0};
  let radius: f32 = {row1}.x;
  let q: f32 = dot(e, 2.0 * place + e);
  let r: f32 = q / max(length(place + e) + radius, 1e-30);"""
_REPEATED = """\
  let t{i}: f32 = {sign}{d} * {turns};
  let n{i}: f32 = t{i} - floor(t{i} + 0.5);
  let m{i}: f32 = {folded};
  let a{i}: f32 = 3.1415927 * m{i};
  let s{i}: f32 = {diameter} * cppn_sin_difference(0.0, 1.0, a{i});
  let {d}1: f32 = s{i} * cppn_sin({row}.w + 1.5707963 + a{i});
  let h{i}: f32 = s{i} * cppn_sin({row}.w + a{i});"""


def point_function(
    shape: Shape, grid: Grid, row: list[str], turn: tuple[str, str] | None = None
) -> str:
    """Return `cppn_point`: offset (right, down) in plane units → differences (x, y, r, 0).

    row: the expression for each row of data. turn: the expressions for cosine and sine of the
    grid's rotation; None to use the numbers themselves.
    """
    lines = ["fn cppn_point(d: vec2f) -> vec4f {", *_folded(shape, grid, row)]
    c, s = turn or (number(grid.cosine), number(grid.sine))
    turned = f"du * {c} - dv * {s}", f"du * {s} + dv * {c}"
    if turn is None and grid.sine == 0.0:
        turned = f"du * {c}", f"dv * {c}"
    x, y = turned[::-1] if grid.swap else turned
    lines += [f"  let x: f32 = {x};", f"  let y: f32 = {y};"]
    if not shape.radius:
        return "\n".join([*lines, "  return vec4f(x, y, 0.0, 0.0);", "}"])
    lines.append("  let e: vec4f = vec4f(x, y, hu, hv);")
    lines.append(_RADIUS.format(row0=row[0], row1=row[1]))
    return "\n".join([*lines, "  return vec4f(x, y, r, 0.0);", "}"])


def _folded(shape: Shape, grid: Grid, row: list[str]) -> list[str]:
    fold = shape.fold
    if fold is None:
        return [
            "  let du: f32 = d.x;",
            "  let dv: f32 = d.y;",
            "  let hu: f32 = 0.0;",
            "  let hv: f32 = 0.0;",
        ]
    lines = []
    for k, axis in enumerate("xy"):
        own, d, out = row[2 + k], f"d.{'xy'[k]}", "uv"[k]
        mirrored = axis in fold.mirror or (axis == "x" and fold.radial > 1)
        if axis not in fold.repeat:
            e = f"{own}.y * {d}"
            moved = f"max({e}, -2.0 * {own}.x - {e})" if mirrored else d
            lines += [f"  var d{out}: f32 = {moved};", f"  let h{out}: f32 = 0.0;"]
            continue
        span = grid.step[k] * (2.0 * grid.middle[k] + 1.0)
        folded = f"min(max(n{k}, -2.0 * {own}.x - n{k}), {own}.z - n{k})" if mirrored else f"n{k}"
        text = _REPEATED.format(
            i=k,
            d=d,
            sign=f"{own}.y * " if mirrored else "",
            turns=number(1.0 / span),
            folded=folded,
            row=own,
            diameter=number(span / 3.141592653589793),
        )
        lines.append(text.replace(f"{d}1", f"d{out}").replace(f"let h{k}:", f"let h{out}:"))
    for k, (c, s) in enumerate(reflections(fold.radial)):
        beyond = f"{row[4 + k // 4]}.{'xyzw'[k % 4]}"
        lines += [
            f"  let b{k}: f32 = 2.0 * max(du * {number(c)} + dv * {number(s)} + min({beyond}, 0.0),"
            f" -max({beyond}, 0.0));",
            f"  du = du - b{k} * {number(c)};",
            f"  dv = dv - b{k} * {number(s)};",
        ]
    return lines
