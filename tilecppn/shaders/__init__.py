"""Files that hold a picture as a shader: a page that draws it itself, or the function alone."""

from tilecppn.shaders.write import SUFFIXES, shader

__all__ = ["SUFFIXES", "shader"]
