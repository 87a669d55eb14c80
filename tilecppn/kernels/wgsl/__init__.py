"""Generates shader source for a scene, in a subset of WGSL that is translated to GLSL."""

from tilecppn.kernels.wgsl.data import Data, data_of
from tilecppn.kernels.wgsl.glsl import glsl_of
from tilecppn.kernels.wgsl.program import Program, function_alone, program_of
from tilecppn.kernels.wgsl.shape import check_fits

__all__ = ["Data", "Program", "check_fits", "data_of", "function_alone", "glsl_of", "program_of"]
