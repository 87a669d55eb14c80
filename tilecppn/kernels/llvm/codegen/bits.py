"""Bits on their way to memory, the lowest first, as Deflate and Zstandard write them."""

from typing import NamedTuple

from tilecppn.kernels.llvm.codegen.function import Array, Function, Variable
from tilecppn.kernels.llvm.codegen.values import Operand, Value


class BitWriter(NamedTuple):
    """Appends bits to bytes; up to 7 bytes behind the last whole one are overwritten."""

    bytes: Array
    position: Variable
    held: Variable  # bits that are no whole byte yet
    filled: Variable  # their number, below 8

    @classmethod
    def at(cls, function: Function, into: Array, position: Value) -> "BitWriter":
        """A writer that begins at a byte of an array."""
        held, filled = (function.variable(function.integer(0)) for _ in range(2))
        return cls(into, function.variable(position), held, filled)

    def put(self, bits: Value, count: Operand) -> None:
        """Append `count` bits, 56 at most; those above them are 0."""
        held = self.held.value | (bits << self.filled.value)
        filled = self.filled.value + count
        self.bytes.at(self.position.value).store(held)
        self.position.set(self.position.value + (filled >> 3))
        self.held.set(held >> (filled & ~7))
        self.filled.set(filled & 7)
