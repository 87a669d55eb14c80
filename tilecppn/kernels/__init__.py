"""Kernels, which evaluate a CPPN with one latent on lattices of points of the plane.

One file per kernel; the larger ones are folders.
"""

from tilecppn.kernels.base import (
    COLOURS,
    PIXELS,
    Arithmetic,
    EvaluationContext,
    Kernel,
    Memory,
    Storage,
    StoringKernel,
)
from tilecppn.kernels.table import KERNELS, create, require, resolve

__all__ = [
    "COLOURS",
    "KERNELS",
    "PIXELS",
    "Arithmetic",
    "EvaluationContext",
    "Kernel",
    "Memory",
    "Storage",
    "StoringKernel",
    "create",
    "require",
    "resolve",
]
