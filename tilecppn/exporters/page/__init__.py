"""The HTML page of a Deep Zoom export, and the viewer it needs."""

from tilecppn.exporters.page.page import Card, Served, StoredTiles, assets, page

__all__ = ["Card", "Served", "StoredTiles", "assets", "page"]
