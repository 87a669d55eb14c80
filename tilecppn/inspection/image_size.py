"""Reads the size and resolution of an exported picture or a video from its header or descriptor."""

import contextlib
import json
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tilecppn import ffmpeg
from tilecppn.exporters.embedded_scene import image_file
from tilecppn.exporters.encoding import tags
from tilecppn.exporters.files import exr_file, jxl
from tilecppn.exporters.files.pdf import POINT, SEARCHED
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output.provenance import MAX_MANIFEST
from tilecppn.exporters.page import page_data
from tilecppn.exporters.pyramids import mbtiles, pmtiles_archive
from tilecppn.filesystem import read_bounded
from tilecppn.film.encoding.codecs import CONTAINERS

Size = tuple[int, int]  # (width, height)
Resolution = float | None  # dots per inch, if the format has them
_SIDE = re.compile(r'\b(width|height)="(\d+)"', re.IGNORECASE)
_IMAGE = re.compile(rb"/Width (\d+) /Height (\d+) ")
_BLEED = re.compile(rb"/BleedBox \[([\d.]+) [\d.]+ ([\d.]+) ")


def image_size(path: Path) -> tuple[Size, Resolution] | None:
    """Return (width, height) in pixels, and dots per inch; None if they are unknown."""
    with contextlib.suppress(Exception):  # each library has its own errors for damaged files
        return _READERS.get(suffix_of(path), _of_folder)(path)
    return None


def _of_pillow(kind: str, path: Path) -> tuple[Size, Resolution]:
    with image_file(kind, path) as image:
        dpi = image.info.get("dpi", (image.getexif().get(tags.X_RESOLUTION),))[0]
        return image.size, None if dpi is None else round(float(dpi), 2)


def _of_tiff(path: Path) -> tuple[Size, Resolution]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        return (page.imagewidth, page.imagelength), float(page.get_resolution("inch")[0])


def _of_exr(path: Path) -> tuple[Size, Resolution]:
    found = exr_file.read_attributes(path)
    left, top, right, bottom = struct.unpack("<4i", found["dataWindow"])
    (dpi,) = struct.unpack("<f", found["xDensity"])
    return (right - left + 1, bottom - top + 1), round(dpi, 2)


def _of_jxl(path: Path) -> tuple[Size, Resolution]:
    said = jxl.read_exif(path)
    size = said.get_ifd(tags.EXIF)
    return (size[tags.WIDTH], size[tags.HEIGHT]), round(float(said[tags.X_RESOLUTION]), 2)


def _sides(found: Mapping[str, Any]) -> tuple[Size, Resolution]:
    return (int(found["width"]), int(found["height"])), None


def _of_xml(text: str) -> tuple[Size, Resolution]:
    """Read the size in a descriptor of Deep Zoom or Zoomify."""
    return _sides({name.lower(): side for name, side in _SIDE.findall(text)})


def _of_dzi(path: Path) -> tuple[Size, Resolution]:
    return _of_xml(read_bounded(path, MAX_MANIFEST).decode())


def _of_page(path: Path) -> tuple[Size, Resolution]:
    return _sides(page_data(path)["source"])


def _of_szi(path: Path) -> tuple[Size, Resolution]:
    with zipfile.ZipFile(path) as file:
        (entry,) = (e for e in file.infolist() if e.filename.endswith(".dzi"))
        assert entry.file_size <= MAX_MANIFEST
        return _of_xml(file.read(entry).decode())


def _of_pdf(path: Path) -> tuple[Size, Resolution]:
    with path.open("rb") as file:
        head = file.read(SEARCHED)
    size, box = _IMAGE.search(head), _BLEED.search(head)
    assert size is not None
    assert box is not None
    width = int(size[1])
    return (width, int(size[2])), round(width * POINT / (float(box[2]) - float(box[1])), 2)


def _of_folder(path: Path) -> tuple[Size, Resolution]:
    zoomify = path / "ImageProperties.xml"
    if zoomify.is_file():
        return _of_xml(read_bounded(zoomify, MAX_MANIFEST).decode())
    return _sides(json.loads(read_bounded(path / "info.json", MAX_MANIFEST)))


def _of_video(path: Path) -> tuple[Size, Resolution]:
    size = ffmpeg.video_size(path)
    assert size is not None
    return size, None


_READERS: dict[str, Callable[[Path], tuple[Size, Resolution]]] = {
    ".png": partial(_of_pillow, "Png"),
    ".jpg": partial(_of_pillow, "Jpeg"),
    ".webp": partial(_of_pillow, "WebP"),
    ".avif": partial(_of_pillow, "Avif"),
    ".jxl": _of_jxl,
    ".tif": _of_tiff,
    ".exr": _of_exr,
    ".dzi": _of_dzi,
    ".html": _of_page,
    ".szi": _of_szi,
    ".pmtiles": lambda path: _sides(pmtiles_archive.read_metadata(path)),
    ".mbtiles": lambda path: _sides(mbtiles.read_metadata(path)),
    ".pdf": _of_pdf,
    **dict.fromkeys(CONTAINERS, _of_video),
}
