"""Shader functions from network values to red, green, blue; see `tilecppn.pixels.colour`.

Tables of colours are not stored: their entries are computed on demand, by the formulas of
`tilecppn.scene.oklab` and `oklch`.
"""

from tilecppn.kernels.wgsl.text import number, vector
from tilecppn.scene import oklab, oklch
from tilecppn.scene.sections import Output


def _rows(matrix: object) -> list[str]:
    return [vector(row) for row in matrix]  # type: ignore[attr-defined]


_LMS, _RGB = _rows(oklab.LMS_OF_LAB), _rows(oklab.RGB_OF_LMS)
_KNEE, _FULL = number(oklch.KNEE), number(oklch.FULL)
_L, _C, _H = (f"{n}.0" for n in oklch.INTERVALS)

LIBRARY = {
    "cppn_linear": f"""\
fn cppn_linear(lab: vec3f) -> vec3f {{
  let m: vec3f = vec3f(dot({_LMS[0]}, lab), dot({_LMS[1]}, lab),
    dot({_LMS[2]}, lab));
  let c: vec3f = m * m * m;
  return vec3f(dot({_RGB[0]}, c), dot({_RGB[1]}, c),
    dot({_RGB[2]}, c));
}}""",
    "cppn_srgb": """\
fn cppn_srgb(lab: vec3f) -> vec3f {
  let c: vec3f = clamp(cppn_linear(lab), vec3f(0.0), vec3f(1.0));
  let high: vec3f = 1.055 * pow(max(c, vec3f(0.0031308)), vec3f(0.41666667)) - 0.055;
  return mix(high, 12.92 * c, step(c, vec3f(0.0031308)));
}""",
    # The colour at a corner of the table: place i along the palette, lightness j.
    "cppn_corner": f"""\
fn cppn_corner(i: f32, j: f32) -> vec3f {{
  let n: f32 = min(floor(i / {oklab.PLACES}.0), CPPN_LAST - 1.0);
  let mixed: vec3f = mix(cppn_stop(i32(n)).xyz, cppn_stop(i32(n) + 1).xyz,
    i / {oklab.PLACES}.0 - n);
  let dark: vec3f = mix(mixed, CPPN_SHADOW.xyz, CPPN_SHADOW.w);
  let bright: vec3f = mixed * (1.0 + CPPN_GLOW * (1.0 - mixed.x));
  return cppn_srgb(mix(dark, bright, j / {oklab.LIGHTS}.0));
}}""",
    # A chroma beyond the gamut's edge, `most`, is compressed into it.
    "cppn_toned": f"""\
fn cppn_toned(light: f32, chroma: f32, most: f32, hue: vec2f) -> vec3f {{
  let excess: f32 = max(chroma / max(most, 1e-9) - {_KNEE}, 0.0) / {number(1.0 - oklch.KNEE)};
  let soft: f32 = most * ({_KNEE} + {number(1.0 - oklch.KNEE)} * excess / (1.0 + excess));
  let c: f32 = mix(soft, chroma, step(excess, 0.0));
  return cppn_srgb(vec3f(light, c * hue.x, c * hue.y));
}}""",
    # Two neighbouring chromas, mixed, of one lightness and hue.
    "cppn_chromas": f"""\
fn cppn_chromas(l: f32, c: f32, part: f32, h: f32) -> vec3f {{
  let turns: f32 = h / {_H};
  let hue: vec2f = vec2f(cppn_sin(6.2831855 * (turns + 0.25)), cppn_sin(6.2831855 * turns));
  let light: f32 = l / {_L};
  var low: f32 = 0.0;
  var high: f32 = 0.5;
  for (var i: i32 = 0; i < 24; i = i + 1) {{
    let middle: f32 = 0.5 * (low + high);
    let rgb: vec3f = cppn_linear(vec3f(light, middle * hue.x, middle * hue.y));
    let least: f32 = min(min(rgb.x, rgb.y), rgb.z);
    let inside: f32 = step(0.0, least) * step(max(max(rgb.x, rgb.y), rgb.z), 1.0);
    low = mix(low, middle, inside);
    high = mix(middle, high, inside);
  }}
  let wide: f32 = {_FULL} / {_C};
  return mix(cppn_toned(light, c * wide, low, hue),
    cppn_toned(light, (c + 1.0) * wide, low, hue), part);
}}""",
}
_RGB_OF = {
    "grey": "fn cppn_rgb(v: vec4f) -> vec3f {\n  return v.xxx;\n}",
    "three": "fn cppn_rgb(v: vec4f) -> vec3f {\n  return v.xyz;\n}",
    "hsv": """\
fn cppn_rgb(v: vec4f) -> vec3f {
  let s: vec3f = clamp(v.xyz, vec3f(0.0), vec3f(1.0));
  let k: vec3f = vec3f(5.0, 3.0, 1.0) + 6.0 * fract(v.x);
  let n: vec3f = k - 6.0 * step(vec3f(6.0), k);
  return s.zzz - s.z * s.y * clamp(min(n, 4.0 - n), vec3f(0.0), vec3f(1.0));
}""",
    "stops": """\
fn cppn_rgb(v: vec4f) -> vec3f {
  let place: f32 = clamp(v.x, 0.0, 1.0) * CPPN_LAST;
  let i: f32 = min(floor(place), CPPN_LAST - 1.0);
  return mix(cppn_stop(i32(i)).xyz, cppn_stop(i32(i) + 1).xyz, place - i);
}""",
    "lit": f"""\
fn cppn_rgb(v: vec4f) -> vec3f {{
  let steps: vec2f = vec2f({oklab.PLACES}.0 * CPPN_LAST, {oklab.LIGHTS}.0);
  let place: vec2f = clamp(v.xy, vec2f(0.0), vec2f(1.0)) * steps;
  let i: vec2f = min(floor(place), steps - 1.0);
  let part: vec2f = place - i;
  let low: vec3f = mix(cppn_corner(i.x, i.y), cppn_corner(i.x, i.y + 1.0), part.y);
  let high: vec3f = mix(cppn_corner(i.x + 1.0, i.y), cppn_corner(i.x + 1.0, i.y + 1.0), part.y);
  return mix(low, high, part.x);
}}""",
    "oklch": f"""\
fn cppn_rgb(v: vec4f) -> vec3f {{
  let steps: vec3f = vec3f({_L}, {_C}, {_H});
  let place: vec3f = clamp(vec3f(v.x, v.y, fract(v.z)), vec3f(0.0), vec3f(1.0)) * steps;
  let i: vec3f = min(floor(place), steps - 1.0);
  let part: vec3f = place - i;
  let dark: vec3f = mix(cppn_chromas(i.x, i.y, part.y, i.z),
    cppn_chromas(i.x, i.y, part.y, i.z + 1.0), part.z);
  let light: vec3f = mix(cppn_chromas(i.x + 1.0, i.y, part.y, i.z),
    cppn_chromas(i.x + 1.0, i.y, part.y, i.z + 1.0), part.z);
  return mix(dark, light, part.x);
}}""",
}


def rgb_function(output: Output, channels: int) -> str:
    """Return the source of `cppn_rgb`, from a network's outputs to these colours."""
    if output.palette is not None:
        return _RGB_OF["stops" if channels == 1 else "lit"]
    if output.color != "rgb":
        return _RGB_OF[output.color]
    return _RGB_OF["grey" if channels == 1 else "three"]
