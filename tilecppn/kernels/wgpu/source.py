"""Generates the compute shader around a network, from positions of pixels to stored values.

One pipeline serves all calls for a picture, whatever they store or trace; the differences are data,
so that no compiler can give the same point two values. A word holds the values of neighbouring
points.
"""

from tilecppn.kernels.wgsl.fragment import WGSL_OWN, address_space
from tilecppn.kernels.wgsl.program import kernel_functions
from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.scene.view import Grid

GROUP = 64  # invocations of a workgroup
BLOCK = 128  # side in pixels of the canvas' squares with a common reference
OFFSET = BLOCK.bit_length() - 1  # bits of a pixel's position in its block

# Call has the order of `kernel._CALL`. `places` has, for all lattices: the low 32 bits of the
# origins; for each row, then each column: the block, and the position in it; and the numbers of the
# blocks' references.
_HEAD = """\
struct Call {
  points: u32, rows: u32, cols: u32, stride: u32,
  down: u32, across: u32, layers: i32, traced: u32,
  packed: u32, dither: u32, invert: u32, words: u32,
  step: vec2f, turn: vec2f,
  full: f32, units: u32, lattices: u32, differences: i32
}
@group(0) @binding(0) DATA;
@group(0) @binding(1) var<storage, read> references: array<vec4f>;
@group(0) @binding(2) var<storage, read> places: array<u32>;
@group(0) @binding(3) var<uniform> call: Call;
@group(0) @binding(4) var<storage, read_write> pixels: array<u32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;
var<private> point: u32;
var<private> reference: i32;
fn cppn_at(i: i32) -> vec4f {
  return data[i];
}
fn cppn_reference(i: i32) -> vec4f {
  return references[reference + i];
}
fn cppn_traced() -> bool {
  return call.traced != 0u;
}
fn cppn_trace(layer: i32, vector: i32, values: vec4f) {
  if (!cppn_traced()) {
    return;
  }
  let first: i32 = layer * UNITS + 4 * vector;
  let end: i32 = min(i32(call.units), (layer + 1) * UNITS);
  for (var i: i32 = 0; i < 4; i = i + 1) {
    if (first + i < end) {
      sums[u32(first + i) * call.points + point] = values[i];
    }
  }
}
fn mixed(word: u32) -> u32 {
  let a: u32 = (word ^ (word >> 16u)) * 0x7FEB352Du;
  let b: u32 = (a ^ (a >> 15u)) * 0x846CA68Bu;
  return b ^ (b >> 16u);
}
"""
_FINENESS = "@group(0) @binding(6) var<storage, read> fineness: array<f32>;\n"  # of each point
# The same operations as `pixels.output_encoder.OutputEncoder`.
_STORED = """\
fn stored(value: f32, row: u32, col: u32, channel: u32) -> u32 {
  let colour: f32 = select(value, 1.0 - value, call.invert != 0u);
  if (call.packed == 1u) {
    return bitcast<u32>(colour);
  }
  let scaled: f32 = min(select(0.0, colour, colour > 0.0), 1.0) * call.full;
  let word: u32 = mixed(col + mixed(row + mixed(channel))) >> 8u;
  let noise: f32 = f32(word) * 5.9604645e-08 + (2.9802322e-08 - 0.5);
  let dithered: f32 = min(max(scaled + noise, 0.0), call.full);
  return u32(round(select(scaled, dithered, call.dither != 0u)));
}
"""
_MAIN = """\
@compute @workgroup_size(GROUP) fn main(@builtin(global_invocation_id) id: vec3u) {
  let word: u32 = id.x;
  var packed: array<u32, CHANNELS>;
  for (var k: u32 = 0u; k < call.packed; k = k + 1u) {
    point = word * call.packed + k;
    if (point >= call.points) {
      break;
    }
    let line: u32 = point / call.cols;
    let lattice: u32 = line / call.rows;
    let i: u32 = line % call.rows;
    let j: u32 = point % call.cols;
    let across: u32 = 2u * call.lattices + call.rows * call.lattices;
    let place: vec2u = vec2u(places[across + lattice * call.cols + j],
      places[2u * call.lattices + line]);
    let block: vec2u = place >> vec2u(BITS);
    let table: u32 = across + call.cols * call.lattices;
    let found: u32 = table + (lattice * call.down + block.y) * call.across + block.x;
    reference = i32(places[found]) * PREFIX;
    let offset: vec2f = vec2f(place & vec2u(BLOCK - 1)) - MIDDLE;
    let values: vec4f = cppn_network(cppn_point(offset * call.step),
      call.layers, call.differencesFINENESS);
    let row: u32 = places[2u * lattice] + i * call.stride;
    let col: u32 = places[2u * lattice + 1u] + j * call.stride;
    for (var c: u32 = 0u; c < CHANNELS; c = c + 1u) {
      packed[c] = packed[c] | (stored(values[c], row, col, c) << (k * (32u / call.packed)));
    }
  }
  if (word < call.words) {
    for (var c: u32 = 0u; c < CHANNELS; c = c + 1u) {
      pixels[c * call.words + word] = packed[c];
    }
  }
}
"""


def compute_source(shape: Shape, grid: Grid, width: int, *, compact: bool) -> str:
    """Return the source of the shader module, with the entry point `main`.

    width: units per layer. compact: see `kernel_functions`.
    """
    data = f"{address_space(shape.rows)} data: array<vec4f, {shape.rows}>"
    text = _HEAD.replace("UNITS", str(width)).replace("DATA", data) + WGSL_OWN
    text += _FINENESS if shape.detail else ""
    text += kernel_functions(grid, shape, ("call.turn.x", "call.turn.y"), compact=compact) + _STORED
    numbers = {
        "FINENESS": ", fineness[point]" if shape.detail else "",
        "GROUP": GROUP,
        "CHANNELS": f"{shape.channels}u",
        "PREFIX": shape.palette,
        "BITS": f"{OFFSET}u",
        "BLOCK": BLOCK,
        "MIDDLE": (BLOCK - 1) / 2,
    }
    main = _MAIN
    for name, value in numbers.items():
        main = main.replace(name, str(value))
    return text + main
