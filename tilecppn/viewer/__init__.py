"""What shows an export in a browser: its page, and a server on this machine."""

from tilecppn.viewer.page import assets, page
from tilecppn.viewer.server import serve

__all__ = ["assets", "page", "serve"]
