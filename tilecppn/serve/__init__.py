"""A web server that shows exports, stores, scenes and films in a browser."""

from tilecppn.serve.server import serve

__all__ = ["serve"]
