"""The studio: a local web page for finding pictures by looking."""

from tilecppn.serve.studio.start import studio

__all__ = ["studio"]
