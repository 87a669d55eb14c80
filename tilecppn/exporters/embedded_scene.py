"""Read the scene that an output carries (a picture, page, archive or folder), to draw it again."""

import contextlib
import html
import logging
import re
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tilecppn.errors import SceneError
from tilecppn.exporters.encoding import png, tags
from tilecppn.exporters.files import exr_file, jxl, pdf
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import fetched
from tilecppn.exporters.output.provenance import (
    MANIFEST,
    MAX_MANIFEST,
    Provenance,
    parse,
    parse_manifest,
    read_manifest,
)
from tilecppn.exporters.page import MAX_PAGE, page_data
from tilecppn.exporters.pyramids import mbtiles, pmtiles_archive
from tilecppn.exporters.pyramids.dzi import files_of
from tilecppn.filesystem import read_bounded
from tilecppn.scene import toml_text
from tilecppn.scene.scene import Scene
from tilecppn.storage.metadata import attributes
from tilecppn.storage.store import Store

# Else Python prints to stderr what tifffile logs of a damaged file.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_WITHHELD = "[about]\nshare_scene = false\n"
_SHOWN = re.compile(r'<pre id="scene">(.*?)</pre>', re.DOTALL)


def _of_tiff(path: Path) -> str | None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        description = file.pages.first.tags.get(tags.DESCRIPTION)
        return None if description is None else str(description.value)


def image_file(kind: str, path: Path) -> Any:
    """Open a picture by the name of Pillow's class, since `Image.open` refuses large ones."""
    module = import_module(f"PIL.{kind}ImagePlugin")
    return getattr(module, f"{kind}ImageFile")(path)


def _of_exif(kind: str, path: Path) -> str | None:
    with image_file(kind, path) as image:
        text: str | None = image.getexif().get(tags.DESCRIPTION)
        return text


def _of_dzi(path: Path) -> str | None:
    return _of_folder(files_of(path))


def is_live_page(path: Path) -> bool:
    """Return whether a file is a live page, which draws its picture itself."""
    found = provenance.read(path) if suffix_of(path) == ".html" and path.is_file() else None
    return found is not None and found.kind == provenance.LIVE


def _of_page(path: Path) -> str | None:
    if not is_live_page(path):
        data = page_data(path)
        if "store" not in data:
            return _of_dzi(path) or str(data.get("scene") or "") or None  # else the page's own copy
        return str(data["scene"]) or _WITHHELD
    shown = _SHOWN.search(read_bounded(path, MAX_PAGE).decode())
    return None if shown is None else html.unescape(shown[1])


def _of_szi(path: Path) -> str | None:
    with zipfile.ZipFile(path) as file:
        (entry,) = (e for e in file.infolist() if e.filename.rpartition("/")[2] == MANIFEST)
        if entry.file_size > MAX_MANIFEST:
            return None
        return parse_manifest(file.read(entry).decode()).source


def _of_folder(path: Path) -> str | None:
    found = read_manifest(path)
    return None if found is None else found.source


READERS: dict[str, Callable[[Path], str | None]] = {
    ".png": png.scene_of,
    ".tif": _of_tiff,
    ".jpg": partial(_of_exif, "Jpeg"),
    ".webp": partial(_of_exif, "WebP"),
    ".avif": partial(_of_exif, "Avif"),
    ".jxl": lambda path: jxl.read_exif(path).get(tags.DESCRIPTION),
    ".exr": lambda path: exr_file.read_attributes(path)[exr_file.SCENE].decode(),
    ".dzi": _of_dzi,
    ".html": _of_page,
    ".szi": _of_szi,
    ".pdf": pdf.scene_in,
    ".mbtiles": lambda path: str(mbtiles.read_metadata(path)["tilecppn"]),
    ".pmtiles": lambda path: str(pmtiles_archive.read_metadata(path)["tilecppn"]["scene"]),
}


def may_embed_scene(path: Path) -> bool:
    """Return whether a path is a store, or by its suffix an export, and so may hold a scene."""
    if suffix_of(path) in READERS or attributes(path) is not None:
        return True
    with fetched(path) as copy:
        return (copy / MANIFEST).is_file()


def embedded_scene(path: Path, overrides: Sequence[str] = ()) -> Scene:
    """Return the scene of a store or an export, with `overrides`, each section.key=value.

    No path in it is followed, except those in `overrides`, relative to the current folder. Raises
    SceneError if there is no scene, or its network is a weights file, which only the store holds;
    StoreError for a damaged store.
    """
    if attributes(path) is not None:
        scene = Store(path).scene
        network = scene.cppn.to_bytes() if scene.source.weights is not None else None
        return Scene.parse(
            scene.to_toml(), name=str(path), overrides=overrides, embedded=network, whole=True
        )
    with fetched(path) as copy:
        if not copy.exists():
            raise SceneError(f"{path}: does not exist")
        found = provenance_in(copy)
    if found is None:
        raise SceneError(f"{path}: holds no scene; give a scene file, or an image made by tilecppn")
    check_shared(found, path)
    try:
        values = toml_text.loads(found.source)
    except ValueError as error:
        raise SceneError(f"{path}: its scene is damaged: {error}") from None
    if "cppn" not in values:  # it was too long for the format
        raise SceneError(f"{path}: holds no scene; give the scene's file, or the store")
    return Scene.parse(found.source, name=str(path), overrides=overrides, whole=True)


def is_withheld(made: Provenance) -> bool:
    """Return whether an output was made without its scene or timeline, as its [about] says."""
    try:
        return toml_text.loads(made.source)["about"]["share_scene"] is False
    except (ValueError, KeyError, TypeError):
        return False


def check_shared(made: Provenance, path: Path) -> None:
    """Raise SceneError for an output that was made without its scene or timeline."""
    if is_withheld(made):
        raise SceneError(
            f"{path}: was made without its scene (--no-scene, or about.share_scene = false); give "
            "the scene's file, or the store"
        )


def provenance_in(path: Path) -> Provenance | None:
    """Return the provenance of an export, read according to its suffix; None if there is none."""
    with contextlib.suppress(Exception):  # each library has its own errors for other files
        text = READERS.get(suffix_of(path), _of_folder)(path)
        return None if text is None else parse(text)
    return None
