"""The machine to generate for, and the way from a module to a function that Python can call."""

import ctypes
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import llvmlite
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir
from numpy.typing import NDArray

from tilecppn.kernels.llvm.codegen.cache import cached
from tilecppn.kernels.llvm.codegen.function import ArrayOf, Function, Module
from tilecppn.version import VERSION

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

_C_TYPES = {
    ir.IntType(32): ctypes.c_int32,
    ir.IntType(64): ctypes.c_int64,
    ir.FloatType(): ctypes.c_float,
    ir.DoubleType(): ctypes.c_double,
}
Empty = Callable[[tuple[int, ...], Any], NDArray[Any]]  # as np.empty
P = ParamSpec("P")
T = TypeVar("T")
_LLVM = threading.Lock()  # LLVM's own context is shared by all modules


@dataclass(frozen=True)
class Target:
    """A CPU: LLVM's name for it and its features, and the size of its vector registers.

    None of it changes a bit of any result; it changes the speed.
    """

    cpu: str
    features: str = ""
    vector_bits: int = 128
    registers: int = 16
    fma: bool = True

    @classmethod
    def host(cls) -> "Target":
        """The CPU that this process runs on."""
        features = llvm.get_host_cpu_features()
        arm = llvm.get_process_triple().startswith(("aarch64", "arm64"))
        wide = bool(features.get("avx512f"))
        return cls(
            llvm.get_host_cpu_name(),
            features.flatten(),
            512 if wide else 256 if features.get("avx") else 128,
            32 if wide or arm else 16,
            arm or bool(features.get("fma")),
        )

    def lanes(self, element: ir.Type) -> int:
        """How many numbers a vector register holds."""
        return self.vector_bits // (32 if isinstance(element, ir.FloatType) else 64)


@cache
def _host() -> Target:
    return Target.host()


HOST = _host()


class Compiled:
    """A module's functions as machine code; it lives as long as this object does."""

    def __init__(self, module: Module, target: Target) -> None:
        text = str(module)
        with _LLVM:
            machine = _machine(target)
            made_of = (VERSION, llvmlite.__version__, llvm.llvm_version_info, target, text)
            code = cached(repr(made_of), lambda: _object_file(text, machine))
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
        self._functions = {name: self._callable(name, f) for name, f in module.functions.items()}

    def __getitem__(self, name: str) -> Callable[..., None]:
        """A function by name. It takes NumPy arrays and numbers and releases the GIL."""
        return self._functions[name]

    def _callable(self, name: str, function: Function) -> Callable[..., None]:
        kinds = list(function.arguments.values())
        types: list[Any] = [
            ctypes.c_void_p if isinstance(k, ArrayOf) else _C_TYPES[k] for k in kinds
        ]
        pointer = ctypes.CFUNCTYPE(None, *types)(self._engine.get_function_address(name))

        def call(*arguments: Any, _owner: Any = self._engine) -> None:  # keeps the code in memory
            pointer(*[_address(a) if isinstance(a, np.ndarray) else a for a in arguments])

        return call


def assembly(module: Module, target: Target) -> str:
    """What `Compiled` makes of a module, to be read and counted."""
    with _LLVM:
        machine = _machine(target)
        return str(machine.emit_assembly(_optimised(str(module), machine)))


def _machine(target: Target) -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )


def _address(array: Any) -> int:
    """Where the data of a NumPy array lies; a tile asks some hundred times."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))  # in a quarter of the time
    except (TypeError, ValueError, BufferError):  # it is read-only, empty, or has gaps
        return int(array.ctypes.data)


def _object_file(text: str, machine: llvm.TargetMachine) -> bytes:
    return bytes(machine.emit_object(_optimised(text, machine)))


def _optimised(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(parsed, builder)
    return parsed


def thread_safe_cache(make: Callable[P, T]) -> Callable[P, T]:
    """As functools.cache, but of threads that ask for the same together, one makes it."""
    cached, lock = cache(make), threading.Lock()

    @wraps(make)
    def found(*arguments: P.args, **options: P.kwargs) -> T:
        with lock:
            return cached(*arguments, **options)  # type: ignore[arg-type]

    return found


def row_stride(array: NDArray[Any]) -> int:
    """Elements from a row to the next; a row's own lie side by side."""
    return array.strides[-2] // array.itemsize


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An empty array that begins on a cache line."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(count + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return np.asarray(raw[start : start + count].view(dtype).reshape(shape))


class Workspace:
    """Memory for one array at a time, used again for the next: fresh pages cost time."""

    def __init__(self) -> None:
        self._bytes = aligned((0,), np.uint8)

    def array(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """An array that begins on a cache line, with anything in it; it ends the one before."""
        dtype = np.dtype(dtype)
        count = math.prod(shape) * dtype.itemsize
        if count > self._bytes.size:
            self._bytes = aligned((count,), np.uint8)
        return np.asarray(self._bytes[:count].view(dtype).reshape(shape))
