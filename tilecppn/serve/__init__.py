"""What a browser sees: a web server for exports, stores and scenes."""

from tilecppn.serve.server import serve

__all__ = ["serve"]
