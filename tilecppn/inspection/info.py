"""Describes what a file, folder or store is: its kind, size, scene, version and arithmetic."""

import tomllib
from pathlib import Path
from typing import Any

from tilecppn.addresses import AnyPath, as_path
from tilecppn.cppn import CPPN
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.embedded_scene import (
    embedded_scene,
    is_live_page,
    is_withheld,
    may_embed_scene,
)
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import fetched, read_provenance
from tilecppn.exporters.output.provenance import FILM, FRAMES, Provenance, read_manifest
from tilecppn.exporters.pyramids.dzi import files_of
from tilecppn.film.embedded_timeline import embedded_timeline, film_provenance, is_film
from tilecppn.film.finished_frames import FrameFolder
from tilecppn.film.store import open_store
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.inspection.finished_tasks import finished_tasks
from tilecppn.inspection.image_size import image_size
from tilecppn.scene import paper, toml_text
from tilecppn.scene.parsing import is_timeline, read_text
from tilecppn.scene.scene import Scene
from tilecppn.storage.base_store import BaseStore
from tilecppn.storage.metadata import attributes
from tilecppn.storage.names import unfinished
from tilecppn.storage.store import Store

Record = dict[str, Any]
INCH = 2.54  # cm


def info(path: AnyPath) -> Record:
    """Describe a scene, timeline, store, export, film or weights file, like `tilecppn info --json`.

    Returns its kind and format, and as far as it has them its size in pixels and in print, scene,
    version and arithmetic. Raises InvalidRequestError if tilecppn did not make it.
    """
    path = as_path(path)
    if attributes(path) is not None:
        return _store(path)
    with fetched(path) as copy:
        if not copy.exists():
            raise InvalidRequestError(f"{path}: {unfinished(path) or 'does not exist'}")
        try:
            return {**_file(copy), "path": str(path)}
        except InvalidRequestError as error:  # of a bucket `copy` is a temporary file
            raise InvalidRequestError(str(error).replace(str(copy), str(path))) from None


def _file(path: Path) -> Record:
    if suffix_of(path) == ".safetensors":
        return _weights(path)
    made = film_provenance(path)
    if made is not None and is_withheld(made):
        return _withheld(path, made)
    size, dpi = image_size(path) or (None, None)
    if (film := embedded_timeline(path)) is not None:
        head = _film_head(path) if is_film(path) else _head(path, "contact sheet", _format(path))
        within = {} if made is None or made.tolerance is None else {"tolerance": made.tolerance}
        return {**head, "version": _version(path), **_film(film, size, dpi), **within}
    if may_embed_scene(path):
        scene = embedded_scene(path)
        head = _head(path, *_export_kind(path))
        record = read_provenance(path)  # also of a pyramid's descriptor
        options = record.options if record else {}
        picture = _picture(scene, size, dpi, _dtype(path, scene, options))
        said: Record = {key: options[key] for key in ("transfer", "peak") if key in options}
        if "panel" in options:
            said["panel"] = f"{options['panel']} of {options['panels'].partition('+')[0]}"
        return {**head, "version": _version(path), **picture, **said, **_scene(scene)}
    text = read_text(path, "a scene")
    if is_timeline(text):
        return {**_head(path, "timeline", "toml"), **_film(Timeline.load(path))}
    scene = Scene.load(path)
    return {**_head(path, "scene", "toml"), **_picture(scene), **_scene(scene)}


def _withheld(path: Path, made: Provenance) -> Record:
    """Describe an output that was made without its scene: its kind, size and [about]."""
    is_film = made.kind in (FILM, FRAMES)
    head = _film_head(path) if is_film else _head(path, *_export_kind(path))
    size, dpi = image_size(path) or (None, None)
    sized = {} if size is None else _size(*size, paper.DPI if dpi is None else dpi)
    return {
        **head,
        "version": _version(path),
        **sized,
        "scene": toml_text.loads(made.source),
    }


def _head(path: Path, kind: str, format: str) -> Record:
    return {"path": str(path), "kind": kind, "format": format}


def _film_head(path: Path) -> Record:
    """Return the kind and format of a film's file, or of a folder of frames."""
    if path.is_dir():
        return _head(path, "folder of frames", FrameFolder(path).format)
    return _head(path, "film", _format(path))


def _picture(
    scene: Scene,
    size: tuple[int, int] | None = None,
    dpi: float | None = None,
    dtype: str | None = None,
) -> Record:
    """Describe the picture of a scene; size: (width, height), if not the scene's own."""
    width, height = size or (scene.canvas.width, scene.canvas.height)
    dpi = scene.canvas.resolution if dpi is None else dpi
    return {
        **_size(width, height, dpi),
        "channels": scene.channels,
        "dtype": dtype or scene.output.dtype,
    }


def _dtype(path: Path, scene: Scene, options: dict[str, str]) -> str:
    """Return the dtype of an export's values, which follows from its options."""
    format, bits = options.get("format", _format(path)), options.get("bits")
    if bits is not None:
        return f"float{bits}" if format == "exr" else f"uint{bits}"
    if format in ("jpg", "webp", "avif") or (format == "jxl" and suffix_of(path) != ".jxl"):
        return "uint8"
    floats = scene.output.dtype == "float32"
    return "uint16" if floats and format in ("png", "jxl") else scene.output.dtype


def _size(width: int, height: int, dpi: float) -> Record:
    sides = {"width": width, "height": height}
    return {
        **sides,
        "print": {
            "dpi": dpi,
            **{f"{name}_in": round(side / dpi, 3) for name, side in sides.items()},
            **{f"{name}_cm": round(side / dpi * INCH, 2) for name, side in sides.items()},
        },
    }


def _scene(scene: Scene) -> Record:
    return {
        "fingerprint": scene.fingerprint,
        "network": _network(scene.cppn),
        "scene": tomllib.loads(scene.to_toml()),
    }


def _film(film: Timeline, size: tuple[int, int] | None = None, dpi: float | None = None) -> Record:
    values = tomllib.loads(film.to_toml())
    return {
        **_picture(film.base, size, dpi),
        "frames": film.frames,
        "fps": str(film.film.fps),
        "seconds": film.film.seconds,
        "fingerprint": film.fingerprint,
        "network": _network(film.base.cppn),
        "scene": {name: values[name] for name in values if name not in ("film", "keyframe")},
        "film": values["film"],
        "keyframes": values["keyframe"],
    }


def _network(cppn: CPPN) -> Record:
    s = cppn.structure
    return {
        "preset": s.preset,
        "activations": list(s.activations),
        "output": s.output,
        "width": cppn.width,
        "z_dim": s.z_dim,
        "channels": s.channels,
        "weights": sum(w.size + b.size for w, b in cppn.layers),
        "sha256": cppn.sha256,
    }


def _weights(path: Path) -> Record:
    cppn = CPPN.load(path)
    own = dict(cppn.structure.view)
    return {**_head(path, "weights", "safetensors"), "network": _network(cppn), "view": own}


def _store(path: Path) -> Record:
    store = open_store(path)
    shards, done = store.plan.tasks, finished_tasks(store).total()
    what: Record = {"shards": shards, "done": done, "finished": done == shards}
    if isinstance(store, Store):
        head, film = _head(path, "store", "zarr"), {**_picture(store.scene), **_scene(store.scene)}
        what = {"levels": len(store.plan.levels), **what}
    else:
        head, film = _head(path, "film store", "zarr"), _film(store.timeline)
    return {**head, **_versions(store), **what, **film}


def _versions(store: BaseStore) -> Record:
    return {"version": store.record.get("version"), "arithmetic": store.arithmetic._asdict()}


def _export_kind(path: Path) -> tuple[str, str]:
    """Return the kind of an export, and its format or layout."""
    if path.is_dir():
        found = read_manifest(path)
        return "pyramid", "" if found is None else found.kind
    if is_live_page(path):
        return "live page", "html"
    if suffix_of(path) == ".html":
        return "page", "html"
    format = _format(path)
    if format in ("dzi", "szi", "pmtiles", "mbtiles"):
        return "pyramid", format
    record = read_provenance(path)
    return _image_kind(record.options if record else {}), format


def _image_kind(options: dict[str, str]) -> str:
    """Return what an image shows, by the options that it was exported with."""
    kinds = {
        "panel": "panel",
        "panels": "overview of panels",
        "strip": "test strip",
        "proof": "proof",
    }
    return next((kind for option, kind in kinds.items() if option in options), "image")


def _format(path: Path) -> str:
    return suffix_of(path)[1:]


def _version(path: Path) -> str | None:
    """Return the version that made an export; None if unknown."""
    found = read_manifest(files_of(path) if suffix_of(path) == ".dzi" else path)
    found = found or provenance.read(path)
    return None if found is None else found.version
