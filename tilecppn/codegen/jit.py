"""Compiles modules for a CPU to functions that Python can call."""

import ctypes
import hashlib
import json
import os
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import llvmlite
import numpy as np
from llvmlite import binding as llvm
from llvmlite import ir

from tilecppn import version
from tilecppn.codegen.cache import cached
from tilecppn.codegen.function import HEADER, PYTHON, Module

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

_C_TYPES: dict[str, Any] = {
    "ptr": ctypes.py_object,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}
_ARRAY = np.zeros(1)
if ctypes.c_void_p.from_address(id(_ARRAY) + HEADER).value != _ARRAY.ctypes.data:
    raise ImportError(f"NumPy {np.__version__} lays out arrays in another way than is known here")
P = ParamSpec("P")
T = TypeVar("T")
_LLVM = threading.Lock()  # all modules share LLVM's global context


@dataclass(frozen=True)
class Target:
    """A CPU: LLVM's name for it and its features, and the size of its vector registers.

    It affects only the speed, not a bit of any result.
    """

    cpu: str
    features: str = ""
    vector_bits: int = 128
    registers: int = 16
    fma: bool = True

    @classmethod
    def host(cls) -> "Target":
        """Return the CPU that this process runs on."""
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
        """Return how many numbers of a type a vector register holds."""
        return self.vector_bits // (32 if isinstance(element, ir.FloatType) else 64)


@cache
def _host() -> Target:
    return Target.host()


HOST = _host()


class Compiled:
    """Compiled functions; the machine code lives as long as this object."""

    def __init__(
        self, make: Callable[..., Module], *arguments: Hashable, target: Target = HOST
    ) -> None:
        """Compile the module that `make`, a top-level function, generates from `arguments`.

        `make` is called only if the code is not in the cache.
        """
        made_of = (
            version.VERSION, _sources(), llvmlite.__version__, llvm.llvm_version_info, HEADER,
            target, make.__module__, make.__qualname__, arguments,
        )  # fmt: skip
        key = repr(made_of)
        assert " at 0x" not in key, "an argument is told by its place in memory alone"
        kept = cached(key, lambda: _kept(make(*arguments), target))
        signatures, _, code = kept.partition(b"\n")
        with _LLVM:
            self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(target))
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
        self._functions = {
            name: self._callable(name, kinds) for name, kinds in json.loads(signatures).items()
        }

    def __getitem__(self, name: str) -> Callable[..., None]:
        """Return a function by name, which releases the GIL.

        It takes NumPy arrays and numbers. Another object instead of an array is not noticed.
        """
        return self._functions[name]

    def _callable(self, name: str, kinds: list[str]) -> Callable[..., None]:
        address = self._engine.get_function_address(PYTHON + name)
        function = ctypes.CFUNCTYPE(None, *[_C_TYPES[kind] for kind in kinds])(address)
        function.owner = self._engine  # type: ignore[attr-defined] # keeps the code in memory
        return function


@cache
def _sources() -> str:
    """Return a digest of this package's source code, on which all generated code depends."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(os.path.dirname(version.__file__)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                with open(os.path.join(folder, name), "rb", buffering=0) as file:
                    digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def _kept(module: Module, target: Target) -> bytes:
    """Compile a module; return a line with the functions' argument types, then the object file."""
    signatures = {name: f.kinds for name, f in module.functions.items()}
    text = str(module)
    with _LLVM:
        machine = _machine(target)
        code = bytes(machine.emit_object(_optimised(text, machine)))
    return json.dumps(signatures).encode() + b"\n" + code


def assembly(module: Module, target: Target) -> str:
    """Return the assembly that `Compiled` generates for a module, for inspection."""
    with _LLVM:
        machine = _machine(target)
        return str(machine.emit_assembly(_optimised(str(module), machine)))


def _machine(target: Target) -> llvm.TargetMachine:
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )


def _optimised(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(parsed, builder)
    return parsed


def thread_safe_cache(make: Callable[P, T]) -> Callable[P, T]:
    """Cache like functools.cache, but compute each value once even if threads ask concurrently."""
    cached, lock = cache(make), threading.Lock()

    @wraps(make)
    def found(*arguments: P.args, **options: P.kwargs) -> T:
        with lock:
            return cached(*arguments, **options)  # type: ignore[arg-type]

    return found


def machine_code(make: Callable[P, Module]) -> Callable[P, Compiled]:
    """Compile the module that a function generates, once per process for the same arguments."""

    @wraps(make)
    def compiled(*arguments: P.args, **named: P.kwargs) -> Compiled:
        assert not named, "arguments must be positional"
        return Compiled(make, *arguments)

    return thread_safe_cache(compiled)
