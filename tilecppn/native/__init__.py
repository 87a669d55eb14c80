"""Machine code made in this process: expressions and loops, written in Python, through LLVM."""

from tilecppn.native.function import Array, ArrayOf, Function, Module, Variable
from tilecppn.native.target import HOST, Compiled, Empty, Target, Workspace, aligned, apart, once
from tilecppn.native.values import ELEMENTS, Value

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
    "apart",
    "once",
]
