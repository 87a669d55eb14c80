"""The page that shows an export, and its description of the picture."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.page import Card, StoredTiles, assets, page
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import TileFolder, levels_to_one_tile
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import About
from tilecppn.scene.symmetry import Fold

CARD: Final = "card.jpg"  # preview picture for links to the page
PAGE: Final = "index.html"  # the file that web servers show for a folder


def page_of(
    source: Source,
    options: ExportOptions,
    name: str,
    *,
    files: str,
    card: Card | None,
    store: StoredTiles | None = None,
    viewer: Mapping[str, Any] | None = None,
) -> str:
    """Return the text of the page of an export, made by `page.page`.

    name: its title if the picture has none. The others are parameters of `page.page`.
    """
    scene, about = source.store.scene, options.about
    return page(
        about.title or name,
        width=source.width,
        height=source.height,
        per_inch=source.resolution,
        tile=options.side,
        overlap=options.overlap,
        format="" if store else options.suffix,
        files=files,
        summary=summary(scene, about),
        scene=scene.to_toml() if about.share_scene else "",
        about=about,
        view=grid_facts(scene, source.width, source.height),
        card=card,
        store=store,
        viewer=viewer,
        live=live_name(name) if options.live else "",
    )


def live_name(name: str) -> str:
    """Return the name of the live page beside an export's page of this name."""
    return f"{name}.live.html"


def add_viewer(source: Source, folder: TileFolder) -> None:
    """Write what a page needs beside the tiles: the viewer, and the preview picture for links."""
    for asset in assets():
        folder.add(asset.name, asset.read_bytes())
    folder.add(CARD, card(source))


def add_page(source: Source, folder: TileFolder, viewer: Mapping[str, Any]) -> None:
    """Write index.html, which opens by double-click, and its files into a folder of tiles.

    viewer: the tile source's options for OpenSeadragon (`page.page`).
    """
    options = folder.options
    shown = Card(CARD, f"{options.url}/" if options.url else "")
    text = page_of(source, options, options.name, files=".", card=shown, viewer=viewer)
    add_viewer(source, folder)
    folder.add(PAGE, text.encode())


def card(source: Source) -> bytes:
    """Return the largest level that fits into one of the store's tiles, as a JPEG."""
    scene = source.store.scene
    level = levels_to_one_tile(source.sizes, scene.output.tile) - 1
    width, height = source.sizes[level]
    pixels, profile = source.read(level, Window(0, 0, height, width)), scene.output.profile
    return ENCODERS["jpg"].encode(pixels, 85, 1, profile)


def summary(scene: Scene, about: About) -> dict[str, str]:
    """Return what the page shows of the network; nothing if the scene is not shared."""
    if not about.share_scene:
        return {}
    facts = {"Network": scene.cppn.structure.preset}
    if scene.source.weights is None:
        facts["Seed"] = str(scene.source.seed)
    facts["Latent"] = "given" if scene.latent.z is not None else f"seed {scene.latent.seed}"
    return facts


def grid_facts(scene: Scene, width: int, height: int) -> dict[str, Any] | None:
    """Return the grid by which the page gives its view in plane units, at a level's size.

    None for a picture folded around its centre: no view of the scene shows a part of it.
    """
    if Fold.of(scene.view) is not None:
        return None
    sized = scene.replace(canvas=scene.canvas.resized(width, height))
    grid, (top, left) = sized.grid, sized.canvas.origin
    kept = {"aspect": "preserve", "grid": "centers", "swap": False}
    return {
        **asdict(grid),
        "middle": (grid.middle[0] - left, grid.middle[1] - top),
        "scale": scene.view.scale,
        "rotation": scene.view.rotation,
        "keep": {
            key: value
            for key, usual in kept.items()
            if (value := getattr(scene.view, key)) != usual
        },
    }
