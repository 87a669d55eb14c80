"""The HTML page of a Deep Zoom export, and the viewer library it needs."""

from tilecppn.exporters.page.data import MAX_PAGE, page_data
from tilecppn.exporters.page.page import Card, Served, StoredTiles, assets, page

__all__ = ["MAX_PAGE", "Card", "Served", "StoredTiles", "assets", "page", "page_data"]
