"""A page that shows a store directly: it reads tiles over HTTP, and nothing is exported."""

import os
from pathlib import Path
from urllib.parse import quote, unquote

from tilecppn.addresses import BucketPath
from tilecppn.errors import ExportError
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import sealed
from tilecppn.exporters.page import Card, StoredTiles, page_data
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.source_page import page_of
from tilecppn.exporters.source import Source

SUFFIX = ".html"


def outputs_of(dest: Path) -> dict[Path, str]:
    """Return the page as the only output. Raises ExportError for a name of another kind."""
    if dest.suffix != SUFFIX:
        raise ExportError(f"{dest}: layout store makes a page; give a name that ends in {SUFFIX}")
    return {dest: "page"}


def store_of(page: Path) -> Path | None:
    """Return the path of the store that a store page shows; None for any other file.

    The store need not exist.
    """
    stored = page_data(page).get("store") if page.suffix == SUFFIX else None
    url = stored.get("url") if isinstance(stored, dict) else None
    if not isinstance(url, str):
        return None
    return page.resolve().parent / unquote(url, errors="surrogateescape")


def export_store_page(
    source: Source, dest: Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Write a page with the store's path relative to it. Returns the page's path."""
    scene = source.store.scene
    if scene.output.profile != "srgb":
        raise ExportError(
            f"{dest}: browsers take a store's tiles for sRGB, not output.profile = "
            f'"{scene.output.profile}"; export a .dzi'
        )
    if isinstance(source.store.path, BucketPath) or isinstance(dest, BucketPath):
        raise ExportError(
            f"{dest}: refers to the store by its relative path, so both must be on a disk; "
            "upload them together, or export a .dzi into the bucket"
        )
    levels = source.store.plan.levels[source.base :]
    path = os.path.relpath(source.store.path.resolve(), dest.resolve().parent)
    stored = StoredTiles(
        url=quote(Path(path).as_posix(), errors="surrogateescape") + "/",
        dtype=scene.output.dtype,
        channels=source.store.plan.channels,
        levels=[
            {
                "path": str(level.index),
                "width": level.width,
                "height": level.height,
                "tiles": level.shard // level.tile,
            }
            for level in levels
        ],
    )
    card = Card("", options.url) if options.url else None
    text = page_of(source, options, dest.stem, files="", card=card, store=stored)
    with sealed(dest) as temporary:
        line = source.provenance("page", options).line()
        temporary.write_text(f"{text}<!-- {line} -->\n", encoding="utf-8")
    return [dest]
