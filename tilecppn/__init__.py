"""Draw CPPN pictures of any size: gigapixel prints, deep-zoom pages, films.

scene = tilecppn.Scene.load("poster.toml")
tilecppn.render(scene, "poster.zarr")
tilecppn.export("poster.zarr", "poster.dzi")
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilecppn.scene.readers import READERS
from tilecppn.version import VERSION as __version__

if TYPE_CHECKING:
    from tilecppn.cppn.latents import lerp, load_latents, save_latents, slerp
    from tilecppn.cppn.network import CPPN
    from tilecppn.errors import (
        ExportError,
        Interrupted,
        InvalidRequestError,
        PlanError,
        RenderError,
        SceneError,
        StoreError,
        TilecppnError,
        WeightsError,
    )
    from tilecppn.exporters.gallery import gallery
    from tilecppn.film.animate import animate
    from tilecppn.film.timeline.keyframes import Keyframe
    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.inspection.info import info
    from tilecppn.integrity.report import VerifyReport
    from tilecppn.integrity.verify import verify
    from tilecppn.notebook.explore import explore
    from tilecppn.notebook.sampler import Sampler
    from tilecppn.pixels.preview import preview
    from tilecppn.plan import Window
    from tilecppn.run.render import render
    from tilecppn.run.retry_policy import RetryPolicy
    from tilecppn.scene.scene import Scene
    from tilecppn.scene.sections import Canvas, Latent, Output, View
    from tilecppn.shaders.export import export
    from tilecppn.shaders.write import shader
    from tilecppn.storage.store import Store

# Name → module, loaded on first use: `tilecppn --help` must not wait for torch or zarr.
_PUBLIC = {
    "CPPN": "tilecppn.cppn.network",
    "Canvas": "tilecppn.scene.sections",
    "ExportError": "tilecppn.errors",
    "Interrupted": "tilecppn.errors",
    "InvalidRequestError": "tilecppn.errors",
    "Keyframe": "tilecppn.film.timeline.keyframes",
    "Latent": "tilecppn.scene.sections",
    "Output": "tilecppn.scene.sections",
    "PlanError": "tilecppn.errors",
    "RenderError": "tilecppn.errors",
    "RetryPolicy": "tilecppn.run.retry_policy",
    "Sampler": "tilecppn.notebook.sampler",
    "Scene": "tilecppn.scene.scene",
    "SceneError": "tilecppn.errors",
    "Store": "tilecppn.storage.store",
    "StoreError": "tilecppn.errors",
    "TilecppnError": "tilecppn.errors",
    "Timeline": "tilecppn.film.timeline.timeline",
    "VerifyReport": "tilecppn.integrity.report",
    "View": "tilecppn.scene.sections",
    "WeightsError": "tilecppn.errors",
    "Window": "tilecppn.plan",
    "animate": "tilecppn.film.animate",
    "explore": "tilecppn.notebook.explore",
    "export": "tilecppn.shaders.export",
    "gallery": "tilecppn.exporters.gallery",
    "info": "tilecppn.inspection.info",
    "lerp": "tilecppn.cppn.latents",
    "load_latents": "tilecppn.cppn.latents",
    "preview": "tilecppn.pixels.preview",
    "render": "tilecppn.run.render",
    "save_latents": "tilecppn.cppn.latents",
    "shader": "tilecppn.shaders.write",
    "slerp": "tilecppn.cppn.latents",
    "verify": "tilecppn.integrity.verify",
}

__all__ = [
    "CPPN",
    "Canvas",
    "ExportError",
    "Interrupted",
    "InvalidRequestError",
    "Keyframe",
    "Latent",
    "Output",
    "PlanError",
    "RenderError",
    "RetryPolicy",
    "Sampler",
    "Scene",
    "SceneError",
    "Store",
    "StoreError",
    "TilecppnError",
    "Timeline",
    "VerifyReport",
    "View",
    "WeightsError",
    "Window",
    "__version__",
    "animate",
    "explore",
    "export",
    "gallery",
    "info",
    "lerp",
    "load_latents",
    "preview",
    "render",
    "save_latents",
    "shader",
    "slerp",
    "verify",
]


def _embedded_scene(path: Path, overrides: Sequence[str]) -> "Scene | None":
    from tilecppn.errors import SceneError
    from tilecppn.exporters.embedded_scene import embedded_scene, may_embed_scene
    from tilecppn.film.embedded_timeline import is_film

    if is_film(path):
        raise SceneError(f"{path}: is a film, not a still; use tilecppn animate, or preview --time")
    return embedded_scene(path, overrides) if may_embed_scene(path) else None


def _embedded_timeline(path: Path, overrides: Sequence[str]) -> "Timeline | None":
    from tilecppn.film.embedded_timeline import embedded_timeline

    return embedded_timeline(path, overrides)


READERS.update(scene=_embedded_scene, timeline=_embedded_timeline)


# Names whose results have rich displays in notebooks.
_SHOWN = {"CPPN", "Scene", "Store", "Timeline", "animate", "gallery", "preview", "render"}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _SHOWN and "IPython" in sys.modules:
        from tilecppn.notebook.display import register

        register()
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
