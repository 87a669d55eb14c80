"""Write a scene as a shader: a page that draws it on the GPU, or a function in GLSL or WGSL."""

from tilecppn.shaders.write import SUFFIXES, shader

__all__ = ["SUFFIXES", "shader"]
