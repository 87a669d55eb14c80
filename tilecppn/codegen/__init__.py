"""Generates machine code by LLVM from expressions and loops written in Python.

The llvm kernel, reconstruction and encoders are written in it, with the activations of
`activations.py`.
"""

from tilecppn.codegen.function import Array, ArrayOf, Function, Module, Variable
from tilecppn.codegen.jit import (
    HOST,
    Compiled,
    Target,
    assembly,
    machine_code,
    thread_safe_cache,
)
from tilecppn.codegen.values import ELEMENTS, Value

__all__ = [
    "ELEMENTS",
    "HOST",
    "Array",
    "ArrayOf",
    "Compiled",
    "Function",
    "Module",
    "Target",
    "Value",
    "Variable",
    "assembly",
    "machine_code",
    "thread_safe_cache",
]
