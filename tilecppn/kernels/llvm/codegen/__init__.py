"""Generates machine code by LLVM from expressions and loops written in Python."""

from tilecppn.kernels.llvm.codegen.function import Array, ArrayOf, Function, Module, Variable
from tilecppn.kernels.llvm.codegen.target import (
    HOST,
    Compiled,
    Empty,
    Target,
    Workspace,
    aligned,
    assembly,
    machine_code,
    row_stride,
    thread_safe_cache,
)
from tilecppn.kernels.llvm.codegen.values import ELEMENTS, Value

__all__ = [
    "ELEMENTS",
    "HOST",
    "Array",
    "ArrayOf",
    "Compiled",
    "Empty",
    "Function",
    "Module",
    "Target",
    "Value",
    "Variable",
    "Workspace",
    "aligned",
    "assembly",
    "machine_code",
    "row_stride",
    "thread_safe_cache",
]
