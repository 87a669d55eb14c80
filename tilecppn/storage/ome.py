"""OME-Zarr 0.5 metadata (https://ngff.openmicroscopy.org/0.5/) for the levels of a plan."""

from typing import Any

from tilecppn.plan import Plan
from tilecppn.scene.sections import FULL

_COLOURS = {
    1: (("grey", "FFFFFF"),),
    3: (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF")),
}
_AXES = [
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space"},
    {"name": "x", "type": "space"},
]


def multiscales(plan: Plan, dtype: str, name: str) -> dict[str, Any]:
    """Return the `ome` attribute: level k has scale 2^k and translation (2^k - 1)/2 pixels."""
    datasets = []
    for level in plan.levels:
        scale = float(2**level.index)
        shift = (scale - 1.0) / 2.0
        datasets.append(
            {
                "path": str(level.index),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1.0, scale, scale]},
                    {"type": "translation", "translation": [0.0, shift, shift]},
                ],
            }
        )
    image = {"name": name, "axes": _AXES, "datasets": datasets, "type": "mean"}
    return _ome(image, plan.channels, dtype)


def film_multiscales(plan: Plan, dtype: str, name: str, step: float) -> dict[str, Any]:
    """Return the `ome` attribute of a film: frames `step` seconds apart, at full size only."""
    steps = {"type": "scale", "scale": [step, 1.0, 1.0, 1.0]}
    image = {
        "name": name,
        "axes": [{"name": "t", "type": "time", "unit": "second"}, *_AXES],
        "datasets": [{"path": "0", "coordinateTransformations": [steps]}],
    }
    return _ome(image, plan.channels, dtype)


def _ome(image: dict[str, Any], channels: int, dtype: str) -> dict[str, Any]:
    end = FULL.get(dtype, 1.0)
    window = {"min": 0, "max": end, "start": 0, "end": end}
    return {
        "version": "0.5",
        "multiscales": [image],
        "omero": {
            "channels": [
                {"label": label, "color": colour, "active": True, "window": window}
                for label, colour in _COLOURS[channels]
            ],
            "rdefs": {"model": "color" if channels == 3 else "greyscale"},
        },
    }
