"""Kernels, which evaluate a CPPN with one latent on lattices of points of the plane.

One file per kernel; the larger ones are folders.
"""

from tilecppn.kernels.base import (
    PIXELS_REVISION,
    RAW_COLOURS,
    Arithmetic,
    EncodingKernel,
    EvaluationContext,
    Kernel,
    Memory,
    PixelFormat,
)
from tilecppn.kernels.table import KERNELS, create, require, resolve

__all__ = [
    "KERNELS",
    "PIXELS_REVISION",
    "RAW_COLOURS",
    "Arithmetic",
    "EncodingKernel",
    "EvaluationContext",
    "Kernel",
    "Memory",
    "PixelFormat",
    "create",
    "require",
    "resolve",
]
