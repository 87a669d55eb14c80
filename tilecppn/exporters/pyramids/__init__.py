"""Exports as pyramids of tiles: Deep Zoom, IIIF, Zoomify, XYZ, PMTiles, MBTiles."""
