"""Values in a function that is being generated: numbers, or vectors of lanes.

Operators generate IEEE instructions, rounded once, in the order written. Nothing is contracted,
reordered or approximated, so the lanes of a vector give the same bits as a scalar. A Python number
in an operation with a Value takes its type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from llvmlite import ir

F32, F64 = ir.FloatType(), ir.DoubleType()
I1, I8, I16, I32, I64, I128 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64, 128))

Operand = Union["Value", int, float]
ELEMENTS = {
    np.dtype(name): element
    for name, element in (
        ("uint8", I8),
        ("uint16", I16),
        ("float32", F32),
        ("float64", F64),
    )
}  # dtype of an array → type of its elements


@dataclass(frozen=True, eq=False)
class Value:
    """An SSA value with its builder. Integers are signed."""

    build: ir.IRBuilder
    ir: ir.Value

    @property
    def type(self) -> ir.Type:
        """The LLVM type, of the whole vector for vectors."""
        return self.ir.type

    @property
    def element(self) -> ir.Type:
        """The type of one lane."""
        return self.type.element if isinstance(self.type, ir.VectorType) else self.type

    @property
    def is_float(self) -> bool:
        """Whether the lanes are floats."""
        return isinstance(self.element, ir.FloatType | ir.DoubleType)

    def like(self, operand: Operand) -> "Value":
        """Return `operand` as a Value of this type; a number becomes a constant in every lane."""
        if isinstance(operand, Value):
            return operand
        return Value(self.build, constant(self.type, operand))

    def _binary(self, instruction: str, other: Operand, swapped: bool = False) -> "Value":
        a, b = self, self.like(other)
        if swapped:
            a, b = b, a
        name = ("f" if self.is_float else "") + instruction
        return Value(self.build, getattr(self.build, name)(a.ir, b.ir))

    def __add__(self, other: Operand) -> "Value":
        return self._binary("add", other)

    def __radd__(self, other: Operand) -> "Value":
        return self._binary("add", other, swapped=True)

    def __sub__(self, other: Operand) -> "Value":
        return self._binary("sub", other)

    def __rsub__(self, other: Operand) -> "Value":
        return self._binary("sub", other, swapped=True)

    def __mul__(self, other: Operand) -> "Value":
        return self._binary("mul", other)

    def __rmul__(self, other: Operand) -> "Value":
        return self._binary("mul", other, swapped=True)

    def __truediv__(self, other: Operand) -> "Value":
        return Value(self.build, self.build.fdiv(self.ir, self.like(other).ir))

    def __rtruediv__(self, other: Operand) -> "Value":
        return self.like(other) / self

    def __neg__(self) -> "Value":
        return Value(self.build, (self.build.fneg if self.is_float else self.build.neg)(self.ir))

    def __and__(self, other: Operand) -> "Value":
        return Value(self.build, self.build.and_(self.ir, self.like(other).ir))

    def __or__(self, other: Operand) -> "Value":
        return Value(self.build, self.build.or_(self.ir, self.like(other).ir))

    def __xor__(self, other: Operand) -> "Value":
        return Value(self.build, self.build.xor(self.ir, self.like(other).ir))

    def __lshift__(self, other: Operand) -> "Value":
        return Value(self.build, self.build.shl(self.ir, self.like(other).ir))

    def __rshift__(self, other: Operand) -> "Value":
        """Shift right logically: zeros come in from the left."""
        return Value(self.build, self.build.lshr(self.ir, self.like(other).ir))

    def _compare(self, operator: str, other: Operand) -> "Value":
        compare = self.build.fcmp_ordered if self.is_float else self.build.icmp_signed
        return Value(self.build, compare(operator, self.ir, self.like(other).ir))

    def __lt__(self, other: Operand) -> "Value":
        return self._compare("<", other)

    def __gt__(self, other: Operand) -> "Value":
        return self._compare(">", other)

    def __le__(self, other: Operand) -> "Value":
        return self._compare("<=", other)

    def equals(self, other: Operand) -> "Value":
        """Compare lane by lane; false for NaN."""
        return self._compare("==", other)

    def where(self, yes: "Value", no: "Value") -> "Value":
        """Select by this condition: `yes` in the lanes where it holds, `no` elsewhere."""
        return Value(self.build, self.build.select(self.ir, yes.ir, no.ir))

    def at_most(self, limit: Operand) -> "Value":
        """Return the smaller one; NaN stays NaN."""
        limit = self.like(limit)
        return (self > limit).where(limit, self)

    def at_least(self, limit: Operand) -> "Value":
        """Return the larger one; NaN stays NaN."""
        limit = self.like(limit)
        return (self < limit).where(limit, self)

    def fma(self, factor: Operand, addend: Operand) -> "Value":
        """Return self · factor + addend, rounded once."""
        return self._intrinsic("fma", self.like(factor), self.like(addend))

    def sqrt(self) -> "Value":
        """Return the square root, correctly rounded."""
        return self._intrinsic("sqrt")

    def abs(self) -> "Value":
        """Return the absolute value."""
        return self._intrinsic("fabs")

    def rint(self) -> "Value":
        """Return the nearest integer as a float, half to even."""
        return self._intrinsic("rint")

    def trailing_zeros(self) -> "Value":
        """Return the number of trailing zero bits of an integer that is not 0."""
        no_zero = Value(self.build, ir.Constant(I1, 1))
        return self._intrinsic("cttz", no_zero)

    def reversed_bits(self) -> "Value":
        """Return an integer with its bits in reverse order."""
        return self._intrinsic("bitreverse")

    def _intrinsic(self, name: str, *others: "Value") -> "Value":
        operands = [self.ir, *(other.ir for other in others)]
        module = self.build.module
        label = f"llvm.{name}.{_label(self.type)}"
        declared = module.globals.get(label) or ir.Function(
            module, ir.FunctionType(self.type, [o.type for o in operands]), name=label
        )
        return Value(self.build, self.build.call(declared, operands))

    def bits(self) -> "Value":
        """Return the bit pattern of floats as integers of the same width."""
        return Value(self.build, self.build.bitcast(self.ir, self._shape(as_integer(self.element))))

    def float_of_bits(self) -> "Value":
        """Return the floats with these bit patterns."""
        element = F32 if self.element.width == 32 else F64
        return Value(self.build, self.build.bitcast(self.ir, self._shape(element)))

    def to(self, element: ir.Type) -> "Value":
        """Convert each lane to another type: rounded to nearest; floats to integers are truncated.

        Narrower integers keep the low bits. A float out of an integer's range is undefined.
        """
        if element == self.element:
            return self
        return Value(
            self.build,
            getattr(self.build, _conversion(self.element, element))(self.ir, self._shape(element)),
        )

    def unsigned(self, element: ir.IntType) -> "Value":
        """Extend each lane with zeros to a wider integer."""
        return Value(self.build, self.build.zext(self.ir, self._shape(element)))

    def splat(self, lanes: int) -> "Value":
        """Return a vector with this number in every lane."""
        if lanes == 1:
            return self
        vector = ir.VectorType(self.type, lanes)
        one = self.build.insert_element(ir.Constant(vector, ir.Undefined), self.ir, I32(0))
        zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return Value(
            self.build, self.build.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)
        )

    def repeat(self, times: int) -> "Value":
        """Repeat each lane `times` times: a, b → a, a, b, b."""
        if not isinstance(self.type, ir.VectorType):
            return self.splat(times)
        return self.picked([lane for lane in range(self.type.count) for _ in range(times)])

    def picked(self, order: Sequence[int], other: "Value | None" = None) -> "Value":
        """Select lanes by number: first those of this vector, then those of `other`."""
        mask = ir.Constant(ir.VectorType(I32, len(order)), list(order))
        second = ir.Constant(self.type, ir.Undefined) if other is None else other.ir
        return Value(self.build, self.build.shuffle_vector(self.ir, second, mask))

    def smallest(self) -> "Value":
        """Return the smallest lane of a vector of floats."""
        least, lanes = self, self.type.count
        for apart in (1 << k for k in range(lanes.bit_length() - 1)):
            least = least.at_most(least.picked([(lane + apart) % lanes for lane in range(lanes)]))
        return Value(self.build, self.build.extract_element(least.ir, I32(0)))

    def bytes(self) -> "Value":
        """Return a vector of integers as its bytes, in the order of memory."""
        kind = ir.VectorType(I8, self.type.count * self.element.width // 8)
        return Value(self.build, self.build.bitcast(self.ir, kind))

    def mask(self) -> "Value":
        """Return a vector of 64 conditions as the bits of an integer, the first lowest."""
        return Value(self.build, self.build.bitcast(self.ir, I64))

    def _shape(self, element: ir.Type) -> ir.Type:
        if isinstance(self.type, ir.VectorType):
            return ir.VectorType(element, self.type.count)
        return element


def weighted_sum(weights: Sequence[Value], values: Sequence[Value]) -> Value:
    """Return the sum of weighted values, added in order by fused multiply-adds."""
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total = weight.fma(value, total)
    return total


def as_integer(element: ir.Type) -> ir.IntType:
    """Return the integer type as wide as a float type."""
    return I32 if element == F32 else I64


def constant(type_: ir.Type, number: float) -> Any:
    """Return a constant with this number, in every lane of a vector type."""
    if isinstance(type_, ir.VectorType):
        return ir.Constant(type_, [ir.Constant(type_.element, number)] * type_.count)
    return ir.Constant(type_, number)


def _label(type_: ir.Type) -> str:
    """Return the suffix of intrinsics for a type: f32, i64, v16f32."""
    if isinstance(type_, ir.VectorType):
        return f"v{type_.count}{_label(type_.element)}"
    if isinstance(type_, ir.IntType):
        return f"i{type_.width}"
    return "f32" if type_ == F32 else "f64"


def _conversion(old: ir.Type, new: ir.Type) -> str:
    integers = isinstance(old, ir.IntType), isinstance(new, ir.IntType)
    if integers == (True, True):
        return "trunc" if new.width < old.width else "sext" if old.width > 1 else "zext"
    if integers == (True, False):
        return "sitofp"
    if integers == (False, True):
        return "fptosi"
    return "fptrunc" if new == F32 else "fpext"
