"""Kernels: evaluate a CPPN with one latent on lattices of points of the plane.

One file a kernel; the larger ones, llvm and triton, are a folder each.
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
