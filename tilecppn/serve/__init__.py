"""What a browser sees: a web server for exports, stores, scenes and films."""

from tilecppn.serve.server import serve

__all__ = ["serve"]
