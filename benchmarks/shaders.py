"""Compares the page's shader with one by hand, for one network in one Chromium.

By hand: what is written for one picture of one size. Layers are unrolled, all numbers are in the
text, and the adapter's own sin, tanh and exp are called, whose error may be 2^-11; layers fade by
the local fineness as the page's do, by derivatives. It leaves out what the page has for other
views and latents: their data, differences from a reference, and the page's polynomials. Colours
and all around the network are the page's. A network of 128 units has loops over data also by hand:
software does not compile its numbers as text in 160 s.
`python -m benchmarks.shaders` runs it alone, on software adapters.
"""

import argparse
import math
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import partial as bound
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, sync_playwright

from benchmarks.measuring import seconds
from tilecppn.cppn.detail import BUSY, CALM, FADE, LocalFineness
from tilecppn.cppn.resolved import ResolvedNetwork
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.wgsl.fragment import glsl_fragment, wgsl_fragment
from tilecppn.kernels.wgsl.program import UNROLLED, Program, program_of
from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.kernels.wgsl.text import number, vector
from tilecppn.scene.scene import Scene
from tilecppn.shaders.config import layers_of
from tilecppn.shaders.page import live_page

COUNT = 5  # pictures of a measurement
PRESETS = ("ember", "silk", "flux", "hardmaru", "jupiter", "pyre")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-watchdog",
]
OWN = {
    "tanh": "tanh({0})",
    "sin": "sin({0})",
    "cos": "cos({0})",
    "gaussian": "exp(-{0} * {0})",
    "softplus": "log(1.0 + exp({0}))",
    "sigmoid": "(1.0 / (1.0 + exp(-{0})))",
    "half-sine": "(0.5 + 0.5 * sin({0}))",
    "sqrt-tanh": "sqrt(1.0 - abs(tanh({0})))",
    "sigmoid-sin": "(1.0 / (1.0 + exp(-sin({0}))))",
}
# `take(which, count)`: draws with the page's shader (0) or that by hand (1), and gives the pixels.
# Returns the share of values that the latter has more than a step away.
PREPARE = """async ([hand, side]) => {
  picture.busy = true;
  const { gpu } = picture, made = await gpu.compiled(hand[gpu.language]);
  const programs = [gpu.program, () => made];
  window.take = async (which, count) => {
    gpu.program = programs[which];
    const draw = picture.prepare(side, side, 1);
    const scratch = new OffscreenCanvas(side, side).getContext("2d");
    for (let i = 0; i < count; i++) scratch.drawImage(await draw(0, 0, side, side), 0, 0);
    return scratch.getImageData(0, 0, side, side).data;
  };
  const [own, other] = [await take(0, 1), await take(1, 1)];
  return own.filter((value, i) => Math.abs(value - other[i]) > 1).length / own.length;
}"""
TAKE = "async ([which, count]) => { await take(which, count); }"


def by_hand(scene: Scene) -> Program:
    """Return a hand-written program of a scene without symmetry, for its own view."""
    network = EvaluationContext.of(scene).network
    shape = Shape.of(scene, len(network.layers))
    looped = shape.vectors > UNROLLED
    layers = _looped(scene, network, shape) if looped else _unrolled(network, shape)
    lines = [*_point(scene), *layers]
    lines.append(f"  return {_applied(shape.output, 'total')};\n}}")
    page = program_of(scene, Shape.of(scene, layers_of(scene)))
    network_text = "\n".join([*lines, "fn cppn_colour"])
    source = re.sub(r"cppn_network\(cppn_point\(d\)[, a-z]*\)", "hand_network(d)", page.source)
    return page._replace(source=source.replace("fn cppn_colour", network_text))


def _point(scene: Scene) -> list[str]:
    grid, (x0, y0) = scene.grid, scene.cppn.structure.origin
    c, s = number(grid.cosine), number(grid.sine)
    turned = [f"d.x * {c} - d.y * {s}", f"d.x * {s} + d.y * {c}"]
    x, y = reversed(turned) if grid.swap else turned
    return [
        "fn hand_network(d: vec2f) -> vec4f {",
        f"  let x: f32 = {number(grid.center[0])} + {x};",
        f"  let y: f32 = {number(grid.center[1])} + {y};",
        f"  let r: f32 = length(vec2f(x - {number(x0)}, y - {number(y0)}));",
    ]


def _unrolled(network: ResolvedNetwork, shape: Shape) -> list[str]:
    # All shaders have the same data.
    lines = [f"  var total: vec4f = {_four(network.bias, 0)} + 1e-30 * cppn_at(0);"]
    for i, layer in enumerate(network.layers):
        names = shape.layers[i]
        for k in range(shape.vectors):
            terms = [_four(layer.bias, k), *_products(layer.weight, i, k, shape)]
            lines.append(f"  let s{i}_{k}: vec4f = {' + '.join(terms)};")
            value = _applied(names[4 * k : 4 * k + 4], f"s{i}_{k}")
            before = f"h{i - 1}_{k} + " if shape.residual and i else ""
            lines.append(f"  let h{i}_{k}: vec4f = {before}{value};")
        if network.local is not None and network.local.layer <= i < network.local.end:
            lines += _followed(network.local, i, shape)
        if layer.readout is not None:
            read = [
                " + ".join(f"dot({_four(row, k)}, h{i}_{k})" for k in range(shape.vectors))
                for row in layer.readout
            ]
            part = f"vec4f({', '.join((read + ['0.0'] * 3)[:4])})"
            if layer.fade is not None:
                offset, start = _four(layer.fade.offset, 0), number(layer.fade.start)
                part = f"smoothstep(0.0, 1.0, {start} - fineness) * ({part} + {offset})"
            lines.append(f"  total = total + {part};")
    return lines


def _looped(scene: Scene, network: ResolvedNetwork, shape: Shape) -> list[str]:
    """Return the lines of a plain network too wide for its numbers to be text: they are data."""
    (cx, cy), (x0, y0), vectors = scene.grid.center, scene.cppn.structure.origin, shape.vectors
    centre = ", ".join(map(number, (cx, cy, math.hypot(cx - x0, cy - y0))))  # layer 0's sums' place
    lines = [
        f"  let p: vec3f = vec3f(x, y, r) - vec3f({centre});",
        f"  var h: array<vec4f, {vectors}>;",
        f"  var g: array<vec4f, {vectors}>;",
    ]
    for i in range(len(network.layers)):
        terms = [f"cppn_at(k + {c}) * p.{name}" for c, name in enumerate("xyz")]
        columns = ", ".join(f"cppn_at(k + 4 * j + {c})" for c in range(4))
        products = [
            f"    for (var j: i32 = 0; j < {vectors}; j = j + 1) {{",
            f"      s = s + mat4x4f({columns}) * h[j];",
            "    }",
        ]
        lines += [
            f"  for (var o: i32 = 0; o < {vectors}; o = o + 1) {{",
            f"    let k: i32 = {shape.weights(i)} + o * {shape.inputs(i)};",
            f"    var s: vec4f = cppn_at({shape.reference(i)} + o);",
            *(products if i else [f"    s = s + {' + '.join(terms)};"]),
            f"    g[o] = {_applied(shape.layers[i][:4], 's')};",
            "  }",
            "  h = g;",
        ]
    first = shape.readout(len(network.layers) - 1)
    read = " + ".join(f"dot(cppn_at({first + j}), h[{j}])" for j in range(vectors))
    lines.append(f"  let total: vec4f = {_four(network.bias, 0)} + vec4f({read}, 0.0, 0.0, 0.0);")
    return lines


def _followed(local: LocalFineness, layer: int, shape: Shape) -> list[str]:
    """Return lines that measure a place's fineness by a layer that shows it (`LocalFineness`)."""
    changes = [f"d{d}(h{layer}_{k})" for k in range(shape.vectors) for d in ("pdx", "pdy")]
    square = " + ".join(f"dot({change}, {change})" for change in changes)
    mean = f"max({square}, 1e-30) / {len(shape.layers[0])}.0"
    octaves = f"{number(local.shares[layer - local.layer])} * log2({mean})"
    if layer == local.layer:
        lines = [f"  var fineness: f32 = {octaves} - {number(local.expected)};"]
    else:
        lines = [f"  fineness = fineness + {octaves};"]
    if layer == local.end - 1:
        least, most = (number(local.whole + octaves) for octaves in (CALM, BUSY))
        lines.append(f"  fineness = clamp(0.5 * fineness, {least}, {most}) / {number(FADE)};")
    return lines


def _texts(program: Program) -> dict[str, str]:
    return {"wgsl": wgsl_fragment(program), "glsl": glsl_fragment(program)}


def _four(values: Sequence[float] | NDArray[np.floating], k: int) -> str:
    four = np.zeros(4)
    part = np.asarray(values)[4 * k : 4 * k + 4]
    four[: len(part)] = part
    return vector(four)


def _products(weight: NDArray[np.floating], layer: int, k: int, shape: Shape) -> list[str]:
    if layer == 0:
        return [f"{_four(weight[:, c], k)} * {name}" for c, name in enumerate("xyr")]
    found = []
    for j in range(shape.vectors):
        inputs = range(4 * j, 4 * j + 4)
        columns = [_four(weight[:, c], k) if c < weight.shape[1] else _four([], 0) for c in inputs]
        found.append(f"mat4x4f({', '.join(columns)}) * h{layer - 1}_{j}")
    return found


def _applied(names: Sequence[str], x: str) -> str:
    every = list(dict.fromkeys(names))
    text = OWN[every[0]].format(x)
    for name in every[1:]:
        mask = [float(f == name) for f in [*names, *[names[-1]] * 4][:4]]
        text = f"mix({text}, {OWN[name].format(x)}, {vector(mask)})"
    return text


def measure(browser: Browser, preset: str, gpu: str, side: int) -> str:
    """Measure the shaders; return a row of the table."""
    scene = Scene.of(cppn={"preset": preset}, canvas={"width": side, "height": side})
    hand = _texts(by_hand(scene))
    processes = browser.new_browser_cdp_session()

    def clock() -> float:
        """Return the seconds of CPU time of the process that draws."""
        every = processes.send("SystemInfo.getProcessInfo")["processInfo"]
        return float(next(p["cpuTime"] for p in every if p["type"] == "GPU"))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        path.write_text(live_page(scene, preset), encoding="utf-8")
        page = browser.new_page(viewport={"width": 64, "height": 48})
        page.set_default_timeout(600_000)
        page.goto(f"{path.as_uri()}#gpu={gpu}")
        page.evaluate("loaded")
        off = page.evaluate(PREPARE, [hand, side])
        taken = seconds(
            {
                way: bound(page.evaluate, TAKE, [which, COUNT])
                for which, way in enumerate(("page", "hand"))
            },
            clock,
        )
        page.close()
    own, other = (1e3 * taken[way] / COUNT for way in ("page", "hand"))
    return (
        f"  {preset:16} {gpu:7} {own:8.1f} {other:8.1f} ms   {own / other:5.2f} x   "
        f"{off:7.3%} of values by hand differ by more than 1"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shaders", description=__doc__)
    parser.add_argument("--side", type=int, default=256, help="pixels of the square picture")
    parser.add_argument("presets", nargs="*", default=PRESETS)
    options = parser.parse_args()
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        print(f"{options.side}² pixels, SwiftShader, CPU time: the page, by hand")
        for preset in options.presets:
            for gpu in ("WebGL2", "WebGPU"):
                print(measure(browser, preset, gpu, options.side), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
