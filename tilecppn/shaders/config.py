"""The live page's configuration and the network's parameters, which its scripts read."""

import base64
import zlib
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import detail
from tilecppn.cppn.activations import components
from tilecppn.cppn.portable_math import log2
from tilecppn.cppn.resolved import grouped, sorted_units
from tilecppn.cppn.structure import Detail
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.wgsl.data import differences_of, stop_rows
from tilecppn.kernels.wgsl.program import Program
from tilecppn.kernels.wgsl.shape import DEEPEST, Shape
from tilecppn.scene.scene import Scene
from tilecppn.scene.symmetry import reflections

ZOOM: Final = 1e5  # the page's largest zoom, relative to the whole picture
SCREEN: Final = 2000.0  # pixels of a window at that zoom, which decides the finest layers held
_UNESCAPED: Final = str.maketrans("&<>", ",.:")  # digits that JSON in HTML need not escape


def layers_of(scene: Scene) -> int:
    """Return how many hidden layers the page holds; with detail, as many as its deepest
    zoom shows.
    """
    cppn, d = scene.cppn, scene.cppn.structure.detail
    held = len(cppn.structure.activations)
    if d is None or d.seed is None:
        return held
    scale = scene.view.scale / zoom_of(scene)
    deepest = detail.Sampling(2.0 * scale / SCREEN, scale)
    return min(max(held, len(cppn.readout_amplitudes(deepest))), DEEPEST)


def zoom_of(scene: Scene) -> float:
    """Return the page's largest zoom: ZOOM, or less where float64 is too coarse for the reference.

    Raises InvalidRequestError if the scene itself is zoomed in further than that.
    """
    d = scene.cppn.structure.detail
    if d is None:
        return ZOOM
    deepest = d.scale * 2.0**-detail.DEEP * SCREEN / 2.0
    zoom = scene.view.scale / deepest
    if zoom < 1.0:
        raise InvalidRequestError(
            f"view.scale = {scene.view.scale:g}: a page goes in to {deepest:.1g} at most; "
            "`tilecppn export` makes a page of tiles at any scale"
        )
    return min(float(f"{zoom:.1g}"), ZOOM)


def config_of(scene: Scene, program: Program) -> dict[str, Any]:
    """Return the scene's view and network as JSON values."""
    cppn, s, canvas, shape = scene.cppn, scene.cppn.structure, scene.canvas, program.shape
    runs = [grouped(functions) for functions in shape.layers]
    patterns = list(dict.fromkeys(runs))
    config: dict[str, Any] = {
        "zoom": zoom_of(scene),
        "samples": scene.output.supersample,
        "whole": canvas.whole,
        "drawn": [canvas.origin[1], canvas.origin[0], canvas.width, canvas.height],
        "scale": scene.view.scale,
        "rotation": scene.view.rotation,
        "stretch": scene.view.aspect == "stretch",
        "endpoints": scene.view.grid == "endpoints",
        "grid": asdict(scene.grid),
        "origin": s.origin,
        "inputs": s.inputs,
        "z": scene.z.tolist(),
        "latent": {"scale": s.latent_scale, **s.latent._asdict()},
        "width": cppn.width,
        "channels": shape.channels,
        "patterns": patterns,
        "layers": [patterns.index(run) for run in runs],
        "rows": {
            "vectors": shape.vectors,
            "perVector": shape.reference_rows,
            "perLayer": shape.layer_rows,
            "reference": shape.reference(0),
            "outputs": shape.outputs,
            "palette": shape.palette,
            "stops": shape.stops,
            "weights": shape.weights(0),
            "factors": shape.factors(0),
            "readout": shape.readout(0),
            "count": shape.rows,
            "constant": program.constant,
            "unrolled": program.unrolled,
        },
    }
    if shape.fold is not None:
        fold = shape.fold
        config["fold"] = {
            "mirror": "xy" if "y" in fold.mirror and "x" in fold.mirror else fold.mirror,
            "repeat": fold.repeat,
            "lines": reflections(fold.radial),
        }
    if s.detail is not None:
        config["detail"] = _detail(scene, s.detail, len(runs))
    return config


def _detail(scene: Scene, d: Detail, layers: int) -> dict[str, Any]:
    cppn = scene.cppn
    inside = scene.replace(view={"scale": scene.view.scale / zoom_of(scene)})
    expected = [cppn.expected_layer(i) for i in range(layers)]
    names = [components(cppn.structure.activation(i)) for i in range(layers)]
    return {
        "scale": d.scale,
        "decay": [log2(d.decay_of(o)) for o in range(cppn.channels)],
        "factors": cppn.readout_factors,
        "frequency": [_short(e.frequency) for e in expected],
        "variance": [_short(e.variance) for e in expected],
        "means": [
            {name: mean for name, mean in zip(n, e.means, strict=True) if mean}
            for n, e in zip(names, expected, strict=True)
        ],
        "limit": detail.LIMIT,
        "fade": detail.FADE,
        "calm": detail.CALM,
        "busy": detail.BUSY,
        "followed": detail.FOLLOWED,
        "recede": detail.RECEDE,
        "near": detail.NEAR,
        "far": detail.FAR,
        "ramp": detail.RAMP,
        "fineness": detail.FINENESS,
        "direct": [_direct_layers(scene), _direct_layers(inside)],
        "overall": cppn.overall_fineness,
        "faintest": detail.FAINTEST,
    }


def _short(value: float) -> float:
    """Return a number in fewer characters, with more digits than a view's amplitudes need."""
    return float(f"{value:.9g}")


def _direct_layers(scene: Scene) -> int:
    """Return the number of last layers of a view for which float32 suffices."""
    return len(EvaluationContext.of(scene).network.layers) - differences_of(scene)


def parameters_of(scene: Scene, shape: Shape) -> NDArray[np.float32]:
    """Return the parameters of the network: for each layer weights (out, in), biases and readouts.

    Units are in the shader's order; the outputs' biases and the palette's colours follow.
    """
    cppn = scene.cppn
    found: list[NDArray[np.floating]] = []
    before: list[int] | None = None
    for i in range(len(shape.layers)):
        weight, bias = cppn.hidden_layer(i)[:2] if shape.detail else cppn.layers[i]
        order = list(range(len(bias)))
        if not shape.residual:
            order = sorted_units(cppn.structure.activation(i), len(bias))
        weight = weight[order]
        found += [(weight if before is None else weight[:, before]).ravel(), bias[order]]
        if shape.has_readout(i):
            readout = cppn.hidden_layer(i)[2] if shape.detail else cppn.layers[-1][0]
            found.append(readout[:, order].ravel())
        before = order
    found.append(cppn.layers[-1][1])
    if shape.stops:
        found.append(stop_rows(scene)[:, :3].ravel())
    return np.concatenate(found).astype("<f4")


def packed(values: NDArray[np.float32]) -> str:
    """Encode float32 as text: split into byte planes, `deflated`."""
    planes = values.view(np.uint8).reshape(-1, 4).T
    return deflated(planes.tobytes())


def deflated(data: bytes) -> str:
    """Encode bytes as text: deflated, in base 85, which is 6 % shorter than base 64."""
    return base64.b85encode(zlib.compress(data, 9)).decode().translate(_UNESCAPED)
