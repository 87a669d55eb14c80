"""`tilecppn info`: show what a file, folder or store is."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tilecppn.cli.common import OUTPUT, json_option, result
from tilecppn.formatting import counted

if TYPE_CHECKING:
    from tilecppn.cppn import CPPN
    from tilecppn.exporters.output.provenance import Provenance
    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.scene.scene import Scene
    from tilecppn.storage.directory import StoreDirectory

Record = dict[str, Any]
INCH = 2.54  # cm


@click.command()
@click.argument("path", type=OUTPUT)
@json_option
def command(path: Path, as_json: bool) -> None:
    """Show what PATH is: its kind, size in pixels and in print, scene, version and arithmetic.

    PATH is a scene, a timeline, a store, an export, a film or a weights file. Sizes in print are
    at the file's own resolution, or at the scene's dpi. The scene is shown in full, with what its
    preset sets.

    \b
    tilecppn info poster.toml
    tilecppn info poster.zarr --json
    """
    record = describe(path)
    result("\n".join(_lines(record)), record, as_json)


def describe(path: Path) -> Record:
    """Describe a file or folder as a JSON object. Raises InvalidRequestError if it is foreign."""
    from tilecppn.errors import InvalidRequestError
    from tilecppn.exporters.output.atomic import fetched
    from tilecppn.storage.identity import attributes
    from tilecppn.storage.names import unfinished

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
    from tilecppn.cli.image_size import image_size
    from tilecppn.exporters.embedded_scene import embedded_scene, is_withheld, may_embed_scene
    from tilecppn.exporters.output.atomic import read_provenance
    from tilecppn.film.embedded_timeline import embedded_timeline, film_provenance, is_film
    from tilecppn.film.timeline.timeline import Timeline, is_timeline
    from tilecppn.scene.parsing import read_text
    from tilecppn.scene.scene import Scene

    if path.suffix == ".safetensors":
        return _weights(path)
    made = film_provenance(path)
    if made is not None and is_withheld(made):
        return _withheld(path, made)
    size, dpi = image_size(path) or (None, None)
    if (film := embedded_timeline(path)) is not None:
        head = _film_head(path) if is_film(path) else _head(path, "contact sheet", path.suffix[1:])
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


def _withheld(path: Path, made: "Provenance") -> Record:
    """Describe an output that was made without its scene: its kind, size and [about]."""
    from tilecppn.cli.image_size import image_size
    from tilecppn.exporters.output.provenance import FILM, FRAMES
    from tilecppn.scene import paper, toml_text

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
    from tilecppn.film.finished_frames import FrameFolder

    if path.is_dir():
        return _head(path, "folder of frames", FrameFolder(path).format)
    return _head(path, "film", path.suffix[1:])


def _picture(
    scene: "Scene",
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


def _dtype(path: Path, scene: "Scene", options: dict[str, str]) -> str:
    """Return the dtype of an export's values, which follows from its options."""
    format, bits = options.get("format", path.suffix[1:]), options.get("bits")
    if bits is not None:
        return f"float{bits}" if format == "exr" else f"uint{bits}"
    if format in ("jpg", "webp", "avif"):
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


def _scene(scene: "Scene") -> Record:
    return {
        "fingerprint": scene.fingerprint,
        "network": _network(scene.cppn),
        "scene": tomllib.loads(scene.to_toml()),
    }


def _film(
    film: "Timeline", size: tuple[int, int] | None = None, dpi: float | None = None
) -> Record:
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


def _network(cppn: "CPPN") -> Record:
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
    from tilecppn.cppn import CPPN

    cppn = CPPN.load(path)
    own = dict(cppn.structure.view)
    return {**_head(path, "weights", "safetensors"), "network": _network(cppn), "view": own}


def _store(path: Path) -> Record:
    from tilecppn.cli.common import done_tasks
    from tilecppn.film.store import open_store
    from tilecppn.storage.store import Store

    store = open_store(path)
    shards, done = store.plan.tasks, done_tasks(store).total()
    what: Record = {"shards": shards, "done": done, "finished": done == shards}
    if isinstance(store, Store):
        head, film = _head(path, "store", "zarr"), {**_picture(store.scene), **_scene(store.scene)}
        what = {"levels": len(store.plan.levels), **what}
    else:
        head, film = _head(path, "film store", "zarr"), _film(store.timeline)
    return {**head, **_versions(store), **what, **film}


def _versions(store: "StoreDirectory") -> Record:
    return {"version": store.record.get("version"), "arithmetic": store.arithmetic._asdict()}


def _export_kind(path: Path) -> tuple[str, str]:
    """Return the kind of an export, and its format or layout."""
    from tilecppn.exporters.embedded_scene import is_live_page
    from tilecppn.exporters.output.atomic import read_provenance
    from tilecppn.exporters.output.provenance import read_manifest

    if path.is_dir():
        found = read_manifest(path)
        return "pyramid", "" if found is None else found.kind
    if is_live_page(path):
        return "live page", "html"
    if path.suffix == ".html":
        return "page", "html"
    if path.suffix in (".dzi", ".szi", ".pmtiles", ".mbtiles"):
        return "pyramid", path.suffix[1:]
    record = read_provenance(path)
    return _image_kind(record.options if record else {}), path.suffix[1:]


def _image_kind(options: dict[str, str]) -> str:
    """Return what an image shows, by the options that it was exported with."""
    kinds = {
        "panel": "panel",
        "panels": "overview of panels",
        "strip": "test strip",
        "proof": "proof",
    }
    return next((kind for option, kind in kinds.items() if option in options), "image")


def _version(path: Path) -> str | None:
    """Return the version that made an export; None if unknown."""
    from tilecppn.exporters.output import provenance
    from tilecppn.exporters.pyramids.dzi import files_of

    found = provenance.read_manifest(files_of(path) if path.suffix == ".dzi" else path)
    found = found or provenance.read(path)
    return None if found is None else found.version


def _lines(record: Record) -> list[str]:
    """Return a description for people, one line per subject."""
    lines = [f"{record['path']}: {record['kind']} ({record['format']})"]
    rows: list[tuple[str, Callable[[Record], str]]] = [
        ("width", _size_words),
        ("channels", lambda r: f"channels     {r['channels']}, {r['dtype']}"),
        ("panel", lambda r: f"panel        {r['panel']} (row-column of columns × rows)"),
        ("transfer", lambda r: f"HDR          {r['transfer']}, to {r['peak']} cd/m²"),
        ("frames", lambda r: f"film         {r['frames']:,} frames at {r['fps']} a second"),
        ("tolerance", lambda r: f"drawn        within {r['tolerance']:g} steps of 255"),
        ("shards", lambda r: f"done         {r['done']:,} of {counted(r['shards'], 'shard')}"),
        ("network", lambda r: f"network      {_network_words(r['network'])}"),
        ("view", lambda r: f"view         {_values(r['view'])}"),
        ("scene", _scene_words),
        ("version", lambda r: f"version      {r['version'] or 'unknown'}"),
        ("arithmetic", lambda r: f"arithmetic   {_values(r['arithmetic'])}"),
        ("fingerprint", lambda r: f"fingerprint  {r['fingerprint']}"),
    ]
    return lines + [words(record) for key, words in rows if key in record]


def _size_words(record: Record) -> str:
    paper = record["print"]
    return (
        f"size         {record['width']} × {record['height']} pixels; "
        f"{paper['width_cm']:g} × {paper['height_cm']:g} cm "
        f"({paper['width_in']:g} × {paper['height_in']:g} in) at {paper['dpi']:g} dpi"
    )


def _network_words(network: Record) -> str:
    return (
        f"{network['preset']}: {', '.join(network['activations'])}, {network['output']}; "
        f"width {network['width']}, z_dim {network['z_dim']}, "
        f"{counted(network['channels'], 'channel')}, {counted(network['weights'], 'weight')}"
    )


def _scene_words(record: Record) -> str:
    return "\n".join(f"[{name}]".ljust(13) + _values(v) for name, v in record["scene"].items())


def _values(values: Record) -> str:
    from tilecppn.scene.validation import format_value

    return ", ".join(f"{name} = {format_value(value)}" for name, value in values.items())
