"""The studio: a page on this machine for finding pictures by looking."""

from tilecppn.serve.studio.start import studio

__all__ = ["studio"]
