"""The record of a scene that the page gets."""

from dataclasses import asdict
from typing import Any, Final

from tilecppn.exporters.page.facts import size_facts
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.drawing import levels
from tilecppn.serve.studio.scenes import values_of
from tilecppn.serve.studio.schema import colours_of

SHOWN_COLOURS: Final = 64  # of a palette


def record(scene: Scene, name: str, toml: str) -> dict[str, Any]:
    """Return everything that the page shows of a scene: values, grid, network and latent.

    `grid` is as in `tilecppn.scene.view.Grid`; `canvas` has the size that is drawn, `origin` (row,
    column) its first pixel, `whole` (width, height) the size without crop and bleed. `palette` has
    its stops, as in a scene file, or a selection of colours if there are many.
    """
    structure, canvas = scene.cppn.structure, scene.canvas
    finest, coarsest = levels(scene)
    return {
        "id": name,
        "toml": toml,
        "values": values_of(scene),
        "z": scene.z.tolist(),
        "network": {
            "layers": list(structure.activations),
            "width": scene.cppn.width,
            "channels": scene.cppn.channels,
            "own": scene.source.weights is not None,
            "detail": structure.detail is not None,
            "spread": [structure.latent.kind, structure.latent.a, structure.latent.b],
        },
        "grid": asdict(scene.grid),
        "levels": [finest, coarsest],
        "canvas": {
            "width": canvas.width,
            "height": canvas.height,
            "origin": canvas.origin,
            "whole": canvas.whole,
        },
        "palette": _palette(scene),
        "size": size_facts(canvas.width, canvas.height, canvas.resolution),
    }


def _palette(scene: Scene) -> list[str] | None:
    palette = scene.output.palette
    if palette is None:
        return None
    few = isinstance(palette, tuple) and len(palette) <= SHOWN_COLOURS
    return list(palette) if few else colours_of(palette, SHOWN_COLOURS)
