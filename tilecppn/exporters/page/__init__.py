"""The HTML page of a Deep Zoom export, and the viewer it needs."""

from tilecppn.exporters.page.page import assets, page

__all__ = ["assets", "page"]
