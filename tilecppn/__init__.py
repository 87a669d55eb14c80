"""tilecppn: draws CPPN pictures of any size."""

from typing import TYPE_CHECKING, Any

from tilecppn.version import VERSION as __version__

if TYPE_CHECKING:
    from tilecppn.assemble.export import export
    from tilecppn.cppn.latent import lerp, load_latents, save_latents, slerp
    from tilecppn.cppn.network import CPPN
    from tilecppn.errors import Failed, Refused, Stopped, TilecppnError
    from tilecppn.pixels.window import preview
    from tilecppn.run.render import render
    from tilecppn.sampler import Sampler
    from tilecppn.scene import Scene
    from tilecppn.sections import Canvas, Latent, Output, View
    from tilecppn.store import Store

# Name → module. Loaded on first use: `tilecppn --help` must not wait for torch or zarr.
_PUBLIC = {
    "CPPN": "tilecppn.cppn.network",
    "Canvas": "tilecppn.sections",
    "Failed": "tilecppn.errors",
    "Latent": "tilecppn.sections",
    "Output": "tilecppn.sections",
    "Refused": "tilecppn.errors",
    "Sampler": "tilecppn.sampler",
    "Scene": "tilecppn.scene",
    "Stopped": "tilecppn.errors",
    "Store": "tilecppn.store",
    "TilecppnError": "tilecppn.errors",
    "View": "tilecppn.sections",
    "export": "tilecppn.assemble.export",
    "lerp": "tilecppn.cppn.latent",
    "load_latents": "tilecppn.cppn.latent",
    "preview": "tilecppn.pixels.window",
    "render": "tilecppn.run.render",
    "save_latents": "tilecppn.cppn.latent",
    "slerp": "tilecppn.cppn.latent",
}

__all__ = [
    "CPPN",
    "Canvas",
    "Failed",
    "Latent",
    "Output",
    "Refused",
    "Sampler",
    "Scene",
    "Stopped",
    "Store",
    "TilecppnError",
    "View",
    "__version__",
    "export",
    "lerp",
    "load_latents",
    "preview",
    "render",
    "save_latents",
    "slerp",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
