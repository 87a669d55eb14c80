"""What a browser sees: a web server for exports."""

from tilecppn.serve.server import serve

__all__ = ["serve"]
