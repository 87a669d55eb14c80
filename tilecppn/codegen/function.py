"""Builds functions: arguments, arrays, variables and loops."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite import ir

from tilecppn.codegen.values import I8, I64, Operand, Value

PYTHON = "python_"  # before the name of a function that takes NumPy arrays
# Bytes of an array's object before the address of its data: PyArrayObject_fields in NumPy's C API.
HEADER = object.__basicsize__


class ArrayOf(NamedTuple):
    """The type of an array argument: elements in memory."""

    element: ir.Type


class Module:
    """A module of functions that are compiled together and may call each other."""

    def __init__(self) -> None:
        self.ir = ir.Module()
        self.functions: dict[str, Function] = {}

    def function(self, name: str, **arguments: "ir.Type | ArrayOf") -> "Function":
        """Add a function without a result. Its array arguments must not overlap."""
        function = Function(self, name, arguments)
        self.functions[name] = function
        return function

    def __str__(self) -> str:
        return str(self.ir)


class Function:
    """A function; instructions are appended at the position of `build`. Call `end` last."""

    def __init__(self, module: Module, name: str, arguments: "dict[str, ir.Type | ArrayOf]"):
        self.arguments = arguments
        types = [ir.PointerType() if isinstance(t, ArrayOf) else t for t in arguments.values()]
        self.kinds = [str(t) for t in types]
        self.ir = ir.Function(module.ir, ir.FunctionType(ir.VoidType(), types), name=name)
        self.ir.attributes.add("nounwind")
        self.ir.attributes.add("noinline")  # one copy is enough
        self.ir.attributes.alignstack = 64  # a vector kept on the stack never crosses cache lines
        for argument, label in zip(self.ir.args, arguments, strict=True):
            argument.name = label
            if isinstance(arguments[label], ArrayOf):
                argument.add_attribute("noalias")
        self.entry = self.ir.append_basic_block("entry")
        self.build = ir.IRBuilder(self.entry)
        self._for_python()

    def _for_python(self) -> None:
        """Generate a function that takes arrays as NumPy's objects, and calls this one.

        Python takes 2 µs to call it, and 5 to 10 if it has to find the addresses of the data.
        """
        outer = ir.Function(self.ir.module, self.ir.ftype, name=PYTHON + self.ir.name)
        build = ir.IRBuilder(outer.append_basic_block("entry"))

        def data(array: ir.Argument) -> ir.Value:
            place = build.gep(array, [I64(HEADER)], source_etype=I8)
            return build.load(place, typ=array.type)

        arrays = [isinstance(kind, ArrayOf) for kind in self.arguments.values()]
        given = zip(outer.args, arrays, strict=True)
        build.call(self.ir, [data(value) if is_array else value for value, is_array in given])
        build.ret_void()

    def __getitem__(self, name: str) -> Value:
        """Return the scalar argument of that name."""
        return Value(self.build, self._argument(name))

    def array(self, name: str) -> "Array":
        """Return the array argument of that name."""
        kind = self.arguments[name]
        assert isinstance(kind, ArrayOf)
        return Array(self.build, self._argument(name), kind.element)

    def _argument(self, name: str) -> ir.Argument:
        return self.ir.args[list(self.arguments).index(name)]

    def integer(self, number: int) -> Value:
        """Return a 64-bit integer constant."""
        return Value(self.build, I64(number))

    def number(self, element: ir.Type, number: float) -> Value:
        """Return a floating-point constant of type `element`."""
        return Value(self.build, ir.Constant(element, number))

    def vector(self, element: ir.Type, numbers: Sequence[float]) -> Value:
        """Return a vector constant with these numbers in its lanes."""
        kind = ir.VectorType(element, len(numbers))
        return Value(self.build, ir.Constant(kind, [ir.Constant(element, n) for n in numbers]))

    def variable(self, start: Value) -> "Variable":
        """Return a variable that starts at a value; LLVM keeps it in a register."""
        here = self.build.block
        self.build.position_at_start(self.entry)
        slot = self.build.alloca(start.type)
        self.build.position_at_end(here)
        variable = Variable(self.build, slot, start.type)
        variable.set(start)
        return variable

    @contextlib.contextmanager
    def loop(self, stop: Value, start: Operand = 0, step: Operand = 1) -> Iterator[Value]:
        """Loop over i = start, start + step, … below `stop`: `with f.loop(n) as i`."""
        first = stop.like(start)
        before = self.build.block
        body = self.build.append_basic_block("body")
        after = self.build.append_basic_block("after")
        self.build.cbranch((first < stop).ir, body, after)
        self.build.position_at_end(body)
        index = self.build.phi(stop.type)
        index.add_incoming(first.ir, before)
        yield Value(self.build, index)
        following = Value(self.build, index) + step
        index.add_incoming(following.ir, self.build.block)
        self.build.cbranch((following < stop).ir, body, after)
        self.build.position_at_end(after)

    @contextlib.contextmanager
    def loop_while(self, condition: Callable[[], Value]) -> Iterator[None]:
        """Repeat the block while a scalar condition on variables holds."""
        test, body, after = (self.build.append_basic_block(n) for n in ("test", "body", "after"))
        self.build.branch(test)
        self.build.position_at_end(test)
        self.build.cbranch(condition().ir, body, after)
        self.build.position_at_end(body)
        yield
        self.build.branch(test)
        self.build.position_at_end(after)

    @contextlib.contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Execute the block only if a scalar condition holds."""
        with self.build.if_then(condition.ir):
            yield

    def call(self, function: "Function", *arguments: "Value | Array") -> None:
        """Call another function of the module."""
        self.build.call(function.ir, [argument.ir for argument in arguments])

    def end(self) -> None:
        """Return from the function; no instruction may follow."""
        self.build.ret_void()


@dataclass(frozen=True, eq=False)
class Array:
    """Elements in memory, accessed by index, singly or as vectors."""

    build: ir.IRBuilder
    ir: ir.Value
    element: ir.Type

    def at(self, index: Value | int) -> "Array":
        """Return the array that begins at an index."""
        offset = index.ir if isinstance(index, Value) else I64(index)
        pointer = self.build.gep(self.ir, [offset], source_etype=self.element)
        return Array(self.build, pointer, self.element)

    def load(self, index: Value | int = 0, lanes: int = 1) -> Value:
        """Load one element, or a vector of `lanes` elements, from an index on."""
        kind = self.element if lanes == 1 else ir.VectorType(self.element, lanes)
        return Value(self.build, self.build.load(self.at(index).ir, align=self._align, typ=kind))

    def store(self, value: Value, index: Value | int = 0) -> None:
        """Store an element or a vector at an index."""
        self.build.store(value.ir, self.at(index).ir, align=self._align)

    @property
    def _align(self) -> int:
        if isinstance(self.element, ir.IntType):
            return int(self.element.width) // 8
        return 4 if isinstance(self.element, ir.FloatType) else 8


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable."""

    build: ir.IRBuilder
    slot: ir.Value
    type: ir.Type

    @property
    def value(self) -> Value:
        """The current value."""
        return Value(self.build, self.build.load(self.slot, typ=self.type))

    def set(self, value: Value) -> None:
        """Assign a value."""
        self.build.store(value.ir, self.slot)
