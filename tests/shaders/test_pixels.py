"""What the page draws, in WebGPU and WebGL2 of a browser, beside the float64 oracle."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.shaders.conftest import Live, check_close, kernels_picture, oracle, write_page
from tilecppn.cppn import PRESETS
from tilecppn.kernels import EvaluationContext
from tilecppn.scene.scene import Scene

WIDTH, HEIGHT = 72, 48
QUICK = {"ember", "jupiter"}  # plain and with detail; compiling others takes software long


def scene_of(**sections: Any) -> Scene:
    return Scene.of(**({"canvas": {"width": WIDTH, "height": HEIGHT}} | sections))


def cases(names: Any) -> list[Any]:
    return [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow, id=name)
        for name in names
    ]


def on_both(names: Any, quick: set[str]) -> list[Any]:
    """Names with a back end each. One of each kind is in the fast lane: WebGPU compiles slowly."""
    both = [(name, gpu) for name in names for gpu in ("WebGPU", "WebGL2")]
    fast = {(name, "WebGL2") for name in quick} | {("ember", "WebGPU")}
    return [case if case in fast else pytest.param(*case, marks=pytest.mark.slow) for case in both]


@pytest.mark.parametrize(("preset", "gpu"), on_both(PRESETS, QUICK))
def test_presets_are_as_the_oracle_has_them(
    preset: str, gpu: str, live: Live, tmp_path: Path
) -> None:
    scene = scene_of(cppn={"preset": preset, "seed": 3}, latent={"seed": 5})
    live.start(write_page(tmp_path / "a.html", scene), gpu)
    check_close(live.draw(WIDTH, HEIGHT), oracle(scene, gpu))
    assert live.foreign == []


@pytest.mark.parametrize("zoom", [1.0, 1e3])
def test_a_page_is_near_the_kernels_picture(zoom: float, live: Live, tmp_path: Path) -> None:
    """It fades by the fineness of each pixel, where they have a spline between distant nodes."""
    side = 192
    scene = scene_of(cppn={"preset": "jupiter"}, canvas={"width": side, "height": side})
    live.start(write_page(tmp_path / "a.html", scene), "WebGL2")
    inside = scene.replace(view={"scale": scene.view.scale / zoom})
    off = np.abs(live.draw(side, side, zoom=zoom).astype(int) - kernels_picture(inside))
    assert off.mean() < 2.5
    assert (off > 20).mean() < 0.002


MIXED = ["sin+cos+tanh", "square+abs", "gaussian+relu+leaky-relu", "softplus+identity"]
ADDED = ["sin+cos+tanh", "half-sine", "sqrt-tanh+sigmoid", "sigmoid-sin"]
PLACED = ["#102040 0%", "#f0d060 13%", "#c03020 40%", "#ffffff 100%"]
STRUCTURES: dict[str, dict[str, Any]] = {
    "mixtures": {"cppn": {"width": 10, "activations": MIXED}},
    "residual mixtures": {"cppn": {"width": 10, "activations": ADDED, "residual": True}},
    "one layer": {"cppn": {"width": 6, "depth": 1, "inputs": ["x", "r", "one"]}},
    "64 units": {"cppn": {"width": 64}},
    "grey, inverted": {"cppn": {"channels": 1, "width": 8}, "output": {"invert": True}},
    "cosines with detail": {
        "cppn": {"preset": "jupiter", "activations": ["cos", "sin+cos", "gaussian+tanh", "sin"]}
    },
    "radius with detail": {"cppn": {"preset": "ink", "inputs": ["x", "y", "r", "z"]}},
    "hsv": {"cppn": {"width": 8}, "output": {"color": "hsv"}},
    "oklch": {"cppn": {"width": 8}, "output": {"color": "oklch"}},
    "a map of 256 colours": {"cppn": {"preset": "silk"}, "output": {"palette": "viridis"}},
    "colours at places": {"cppn": {"preset": "jupiter"}, "output": {"palette": PLACED}},
    "samples": {"cppn": {"preset": "tide"}, "output": {"supersample": 3}},
    "crop": {
        "cppn": {"preset": "silk"},
        "canvas": {"width": 2 * WIDTH, "height": 2 * HEIGHT, "crop": [0.25, 0.5, 0.5, 0.5]},
    },
    "mirror, turned": {
        "cppn": {"preset": "tide"},
        "view": {"mirror": "xy", "rotation": 30.0, "center": [0.3, -0.2]},
    },
    "kaleidoscope": {
        "cppn": {"preset": "jupiter"}, "view": {"radial": 7, "center": [0.4, 0.1], "swap": True}
    },
    "seamless": {"cppn": {"width": 8}, "view": {"repeat": "xy", "mirror": "x"}},
    "seamless with detail": {"cppn": {"preset": "ink"}, "view": {"repeat": "x", "mirror": "xy"}},
}  # fmt: skip


@pytest.mark.parametrize(("name", "gpu"), on_both(STRUCTURES, {"mixtures", "kaleidoscope"}))
def test_structures_are_as_the_oracle_has_them(
    name: str, gpu: str, live: Live, tmp_path: Path
) -> None:
    scene = scene_of(**STRUCTURES[name])
    live.start(write_page(tmp_path / "a.html", scene), gpu)
    check_close(live.draw(WIDTH, HEIGHT), oracle(scene, gpu))


def zooms(fast: tuple[str, float, str], presets: Sequence[str], more: Sequence[Any]) -> list[Any]:
    """Each preset with each zoom and API; all but the case `fast` are slow."""
    cases = [(preset, *further) for preset in presets for further in more]
    return [c if c == fast else pytest.param(*c, marks=pytest.mark.slow) for c in cases]


@pytest.mark.parametrize(
    ("preset", "zoom", "gpu"),
    zooms(
        ("jupiter", 1e5, "WebGL2"),
        ("jupiter", "tide", "agate", "hardmaru"),
        ((10.0, "WebGL2"), (1e3, "WebGL2"), (1e5, "WebGL2"), (1e5, "WebGPU")),
    ),
)
def test_a_view_far_inside_is_as_the_oracle_has_it(
    preset: str, zoom: float, gpu: str, live: Live, tmp_path: Path
) -> None:
    scene = scene_of(cppn={"preset": preset})
    live.start(write_page(tmp_path / "a.html", scene), gpu)
    u, v = 0.137 * scene.view.scale, -0.21 * scene.view.scale
    center = scene.view.center[0] + u, scene.view.center[1] + v
    inside = scene.replace(view={"center": center, "scale": scene.view.scale / zoom})
    check_close(live.draw(WIDTH, HEIGHT, u=u, v=v, zoom=zoom), oracle(inside, gpu))


@pytest.mark.parametrize(
    ("preset", "zoom", "gpu"),
    zooms(
        ("jupiter", 1e3, "WebGL2"),
        ("jupiter", "tide"),
        ((1.0, "WebGL2"), (1e3, "WebGL2"), (1e5, "WebGPU")),
    ),
)
def test_the_loops_that_gpus_run_draw_the_same(
    preset: str, zoom: float, gpu: str, live: Live, tmp_path: Path
) -> None:
    scene = scene_of(cppn={"preset": preset})
    live.start(write_page(tmp_path / "a.html", scene), gpu)
    assert live.page.evaluate("picture.gpu.software") is True
    own = live.draw(WIDTH, HEIGHT, zoom=zoom)
    live.page.evaluate("picture.gpu.software = false")
    loops = live.draw(WIDTH, HEIGHT, zoom=zoom)
    check_close(loops, own, most=1)
    inside = scene.replace(view={"scale": scene.view.scale / zoom})
    check_close(loops, oracle(inside, gpu))


def test_other_latents_and_turns_are_as_the_oracle_has_them(live: Live, tmp_path: Path) -> None:
    scene = scene_of(cppn={"preset": "ember"})
    live.start(write_page(tmp_path / "a.html", scene), "WebGL2")
    z = [0.3] * scene.cppn.structure.z_dim
    live.page.evaluate("z => { picture.z = z }", z)
    turned = scene.replace(latent={"z": z}, view={"rotation": 90.0})
    check_close(live.draw(WIDTH, HEIGHT, turn=1.5707963267948966), oracle(turned))


def test_the_pages_reference_is_that_of_python(live: Live, tmp_path: Path) -> None:
    from tilecppn.kernels.wgsl import data_of
    from tilecppn.shaders.config import layers_of

    scene = scene_of(cppn={"preset": "ink", "seed": 2}, view={"mirror": "x"})
    live.start(write_page(tmp_path / "a.html", scene), "WebGL2")
    live.draw(WIDTH, HEIGHT)
    shape, rows, _ = data_of(scene, layers_of(scene))
    layers = len(EvaluationContext.of(scene).network.layers)
    found = np.reshape(live.page.evaluate("Array.from(picture.reference.rows)"), (-1, 4))
    # The page keeps the factors of readouts apart, with the starts of fades, and all offsets.
    of_layer = shape.channels * shape.vectors
    for i in range(layers):
        factors, offset = found[shape.factors(i)], found[shape.fade(i)]
        offset[:3] *= factors[:3]
        offset[3] = factors[3]
        if offset[3] >= 1e9:
            found[shape.outputs, :3] += offset[:3]
            offset[:3] = 0.0
        readout = slice(shape.readout(i), shape.readout(i) + of_layer)
        found[readout] *= np.repeat(factors[: shape.channels], shape.vectors)[:, None]
    for start, end in (
        (0, shape.reference(layers)),
        (shape.palette, shape.factors(0)),
        (shape.readout(0), shape.readout(layers)),
        (shape.weights(0), shape.weights(layers)),
    ):
        assert found[start:end] == pytest.approx(rows[start:end], rel=1e-5, abs=1e-6)
