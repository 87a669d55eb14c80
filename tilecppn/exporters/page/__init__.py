"""The HTML page of a Deep Zoom export, and the viewer it needs."""

from tilecppn.exporters.page.page import Card, Served, assets, page

__all__ = ["Card", "Served", "assets", "page"]
