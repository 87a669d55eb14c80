"""Deep Zoom: NAME.dzi, NAME_files/{level}/{x}_{y}.{format}, and the page NAME.html.

Deep Zoom counts levels from the single pixel up; nobody else here does. Tile (x, y) covers
[max(0, x·T - o), min(w, (x+1)·T + o)) of its level, likewise in y.
"""

import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tilecppn.exporters.manifest import detect_content
from tilecppn.exporters.options import Options
from tilecppn.exporters.output import atomic_output, check_safe_to_overwrite, check_same_kind
from tilecppn.exporters.page.page import assets, page
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import Layout, TileFolder, write_pyramid
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.symmetry import Fold

LOOKED_AT = 4096  # bytes at the start of a descriptor or page

_DESCRIPTOR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
    'Format="{format}" Overlap="{overlap}" TileSize="{tile}">\n'
    '  <Size Width="{width}" Height="{height}"/>\n'
    "</Image>\n"
)
_BEGINNINGS = {  # of our files
    ".dzi": re.compile(re.sub(r"\\{\w+\\}", r"\\w+", re.escape(_DESCRIPTOR)).encode()),
    ".html": re.compile(rb'(?s).*<meta name="generator" content="tilecppn">'),
}


def check_dzi(dest: Path) -> None:
    """Raise ExportError unless all three names are free or ours, and the viewer is installed.

    The folder's manifest speaks for all three; where it is gone, each file for itself.
    """
    *opened, files = outputs_of(dest)
    check_same_kind(files, DeepZoom.kind, detect_content)
    marked = files.is_dir()
    for path in opened:
        check_safe_to_overwrite(
            path, lambda path: path.is_file() and (marked or _begins_as_ours(path))
        )
    assets()


def _begins_as_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _BEGINNINGS[path.suffix].match(file.read(LOOKED_AT)) is not None
    except OSError:
        return False


def outputs_of(dest: Path) -> list[Path]:
    """NAME.dzi, its page and its folder of tiles."""
    return [dest, dest.with_suffix(".html"), files_of(dest)]


def files_of(dest: Path) -> Path:
    """The folder of tiles of NAME.dzi."""
    return dest.with_name(f"{dest.stem}_files")


class DeepZoom(Layout):
    """All levels down to a single pixel."""

    kind = "dzi"

    def name(self, level: int, tile: Window) -> str:
        """Deep Zoom counts from the single pixel up; here 0 is the largest."""
        number, x, y = len(self.sizes) - 1 - level, tile.left // self.side, tile.top // self.side
        return f"{number}/{x}_{y}"

    def describe(self, source: Source, folder: TileFolder, options: Options) -> None:
        """And the viewer."""
        super().describe(source, folder, options)
        for asset in assets():
            shutil.copyfile(asset, Path(folder.path, asset.name))


def export_dzi(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the pyramid and its page. Returns the files that a person opens, and the folder."""
    check_dzi(dest)
    layout = DeepZoom(tuple(source.sizes), options.tile)
    write_pyramid(source, layout, files_of(dest), options)
    return write_page(source, dest, options)


def descriptor(source: Source, options: Options) -> str:
    """The text of NAME.dzi."""
    suffix = options.tile_format.suffix
    return describe(source.width, source.height, options.tile, options.overlap, suffix)


def describe(width: int, height: int, tile: int, overlap: int, format: str) -> str:
    """The descriptor of a pyramid; sizes in pixels, `format` the suffix of its tiles."""
    return _DESCRIPTOR.format(width=width, height=height, tile=tile, overlap=overlap, format=format)


def write_page(source: Source, dest: Path, options: Options) -> list[Path]:
    """Write the page and, last, the descriptor. Returns all three names of the export."""
    outputs = dest, html, files = outputs_of(dest)
    scene = source.store.scene
    text = page(
        dest.stem,
        width=source.width,
        height=source.height,
        tile=options.tile,
        overlap=options.overlap,
        format=options.tile_format.suffix,
        files=files.name,
        summary=summary(scene),
        scene=scene.to_toml(),
        view=grid_facts(scene, source.width, source.height),
    )
    with atomic_output(html) as temporary:
        temporary.write_text(text, encoding="utf-8")
    with atomic_output(dest) as temporary:
        temporary.write_text(descriptor(source, options), encoding="utf-8")
    return outputs


def summary(scene: Scene) -> dict[str, str]:
    """What the page says about the picture."""
    facts = {"Network": scene.cppn.structure.preset}
    if scene.source.weights is None:
        facts["Seed"] = str(scene.source.seed)
    facts["Latent"] = "given" if scene.latent.z is not None else f"seed {scene.latent.seed}"
    return facts


def grid_facts(scene: Scene, width: int, height: int) -> dict[str, Any] | None:
    """What the page needs to say where on the plane its view lies, on a level of this size.

    None for a picture that is folded around its centre: a part of it is no view of the scene.
    """
    if Fold.of(scene.view) is not None:
        return None
    grid = scene.replace(canvas={"width": width, "height": height}).grid
    kept = {"aspect": "preserve", "grid": "centers", "swap": False}
    return {
        **asdict(grid),
        "scale": scene.view.scale,
        "rotation": scene.view.rotation,
        "keep": {
            key: value
            for key, usual in kept.items()
            if (value := getattr(scene.view, key)) != usual
        },
    }
