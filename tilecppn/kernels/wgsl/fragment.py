"""Generates fragment shaders around a program, in WGSL (WebGPU) and GLSL ES 3.00 (WebGL2).

Both read rows of data, from a buffer or a texture of TEXTURE texels per row, and four vectors for
the view:

    (x, y) of the first pixel from the reference, in pixels; samples along a pixel's side; 0
    the matrix from pixels to offsets in plane units: to the right (x, y), down (x, y)
    hidden layers; how many of them evaluate differences; and for the local fineness the first
        layer that shows it, and what is added
    the factors of log2 of the squares of that layer and the next; the least and largest fineness
"""

from tilecppn.kernels.wgsl.glsl import glsl_of
from tilecppn.kernels.wgsl.program import Program

TEXTURE = 1024  # texels in a row of the texture

_PIXEL = """\
fn cppn_pixel(index: vec2f) -> vec4f {
  let place: vec4f = cppn_view[0];
  let turn: vec4f = cppn_view[1];
  let layers: vec4f = cppn_view[2];
  let samples: i32 = i32(place.z);
  var total: vec3f = vec3f(0.0);
  for (var i: i32 = 0; i < samples * samples; i = i + 1) {
    let part: vec2f = (vec2f(f32(i / samples), f32(i % samples)) + 0.5) / place.z - 0.5;
    let at: vec2f = place.xy + index + part;
    let d: vec2f = vec2f(dot(turn.xy, at), dot(turn.zw, at));
    total = total + cppn_colour(d, i32(layers.x), i32(layers.y));
  }
  return vec4f(total / (place.z * place.z), 1.0);
}
"""
# What each language does fastest in software: 2^n of whole numbers, by the last bits of their sum
# with 1.5·2^23 + 127, which a product moves faster than a shift; and x within ± a limit, or above
# one. Chromium compiles WGSL's `i32(n)` with a check of its range, and its min, max and clamp with
# checks for NaN.
WGSL_OWN = """\
fn cppn_power(n: f32) -> f32 {
  return bitcast<f32>(bitcast<i32>(n + 12583039.0) * 8388608);
}
fn cppn_within(x: f32, most: f32) -> f32 {
  let above: f32 = select(-most, x, x > -most);
  return select(most, above, above < most);
}
fn cppn_above(x: f32, least: f32) -> f32 {
  return select(least, x, x > least);
}
"""
GLSL_OWN = """\
float cppn_power(float n) {
  return intBitsToFloat(floatBitsToInt(n + 12583039.0) * 8388608);
}
float cppn_within(float x, float most) {
  return min(max(x, -most), most);
}
float cppn_above(float x, float least) {
  return max(x, least);
}
"""
_WGSL = """\
@group(0) @binding(0) SPACE cppn_data: array<vec4f, ROWS>;
@group(0) @binding(1) var<uniform> cppn_view: array<vec4f, 4>;
fn cppn_at(i: i32) -> vec4f {
  return cppn_data[i];
}
"""
_WGSL_STAGES = """\
@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i & 1) * 4.0 - 1.0, f32(i & 2) * 2.0 - 1.0, 0.0, 1.0);
}
@fragment fn pixel(@builtin(position) p: vec4f) -> @location(0) vec4f {
  return cppn_pixel(floor(p.xy));
}
"""
_GLSL = """\
#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D cppn_data;
uniform vec4 cppn_view[4];
uniform float cppn_height;
out vec4 cppn_out;
vec4 cppn_at(int i) {
  return texelFetch(cppn_data, ivec2(i & MASK, i >> BITS), 0);
}
""".replace("MASK", str(TEXTURE - 1)).replace("BITS", str(TEXTURE.bit_length() - 1))
_GLSL_STAGES = """\
void main() {
  vec2 p = floor(gl_FragCoord.xy);
  cppn_out = cppn_pixel(vec2(p.x, cppn_height - 1.0 - p.y));
}
"""


def address_space(rows: int) -> str:
    """Return the declaration of a buffer: uniform, the fastest to read, where every device can."""
    return "var<uniform>" if 16 * rows <= 1 << 16 else "var<storage, read>"


def wgsl_fragment(program: Program) -> str:
    """Return a WGSL module with the stages `corner` (3 vertices) and `pixel`."""
    rows = program.shape.rows
    head = _WGSL.replace("SPACE", address_space(rows)).replace("ROWS", str(rows))
    return head + WGSL_OWN + program.source + _PIXEL + _WGSL_STAGES


def glsl_fragment(program: Program) -> str:
    """Return a GLSL fragment shader; `cppn_height` is the number of rows, the top one first."""
    return _GLSL + GLSL_OWN + glsl_of(program.source + _PIXEL) + _GLSL_STAGES
