"""The page in a folder of tiles: index.html, which opens by double-click."""

from collections.abc import Mapping
from typing import Any, Final

from tilecppn.exporters.dzi import CARD, card, grid_facts, summary
from tilecppn.exporters.page.page import Card, assets, page
from tilecppn.exporters.source import Source
from tilecppn.exporters.tiles import TileFolder

PAGE: Final = "index.html"  # what web servers show for a folder


def add_page(source: Source, folder: TileFolder, viewer: Mapping[str, Any]) -> None:
    """Write the page, the viewer and the picture for links to the page.

    viewer: the tile source's options for OpenSeadragon (`page.page`).
    """
    options, scene = folder.options, source.store.scene
    text = page(
        options.about.title or options.name,
        width=source.width,
        height=source.height,
        tile=options.side,
        overlap=0,
        format=options.suffix,
        files=".",
        summary=summary(scene, options.about),
        scene=scene.to_toml() if options.about.share_scene else "",
        about=options.about,
        view=grid_facts(scene, source.width, source.height),
        card=Card(CARD, f"{options.url}/" if options.url else ""),
        viewer=viewer,
    )
    for asset in assets():
        folder.add(asset.name, asset.read_bytes())
    folder.add(CARD, card(source))
    folder.add(PAGE, text.encode())
