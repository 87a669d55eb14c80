"""Measures activations in other libraries: in torch's copy of SLEEF, in MKL, and in torch itself.

MKL is found where `pip install mkl` installs it. torch calls MKL's vector mathematics, in the most
exact mode, if it was built with MKL, else SLEEF or its own code.
"""

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from llvmlite import binding as llvm
from numpy.typing import NDArray

from benchmarks.bound import REPEATS, VALUES, Counted
from tilecppn.buffers import aligned
from tilecppn.codegen import HOST

LONG = 1 << 15  # values that torch gets in a call, which itself costs a microsecond


class Outside(NamedTuple):
    """An activation in other libraries; if a library lacks it, its most expensive part."""

    torch: Callable[..., torch.Tensor]
    sleef: tuple[str, str]  # the function, and the cheaper of its versions: 3.5 or 1.0 units
    mkl: str


FUNCTIONS = {
    "tanh": Outside(torch.tanh, ("tanh", "u35"), "Tanh"),
    "sin": Outside(torch.sin, ("sin", "u35"), "Sin"),
    "cos": Outside(torch.cos, ("cos", "u35"), "Cos"),
    "sigmoid": Outside(torch.sigmoid, ("exp", "u10"), "Exp"),
    "gaussian": Outside(torch.exp, ("exp", "u10"), "Exp"),
}
MKL_TYPE = {"float32": "s", "float64": "d"}
LOW_ACCURACY = 1  # MKL's mode with errors below 4 units; the others are 1 unit and half of the bits
# A loop over vectors in the first cache, again and again.
LOOP = """
declare {vector} @{function}({vector})
define void @apply(ptr %x, i64 %count, ptr %y, i64 %repeats) {{
entry:
  br label %again
again:
  %r = phi i64 [0, %entry], [%r1, %end]
  br label %body
body:
  %i = phi i64 [0, %again], [%i1, %body]
  %from = getelementptr {real}, ptr %x, i64 %i
  %to = getelementptr {real}, ptr %y, i64 %i
  %value = load {vector}, ptr %from, align 8
  %result = call {vector} @{function}({vector} %value)
  store {vector} %result, ptr %to, align 8
  %i1 = add i64 %i, {lanes}
  %more = icmp slt i64 %i1, %count
  br i1 %more, label %body, label %end
end:
  %r1 = add i64 %r, 1
  %others = icmp slt i64 %r1, %repeats
  br i1 %others, label %again, label %done
done:
  ret void
}}
"""


def ways(name: str, dtype: str) -> dict[str, Counted]:
    """Return an activation's functions in other libraries, by library; {} if none is compared."""
    if name not in FUNCTIONS:
        return {}
    outside = FUNCTIONS[name]
    x = torch.tensor(np.random.default_rng(0).normal(0.0, 3.0, LONG).astype(dtype))
    y = torch.empty_like(x)
    found = {
        "torch": Counted(lambda: outside.torch(x, out=y), LONG),
        "SLEEF": _sleef(*outside.sleef, dtype),
        "MKL": _mkl(outside.mkl, dtype),
    }
    return {library: way for library, way in found.items() if way is not None}


def _mkl(name: str, dtype: str) -> Counted | None:
    """Return a function of MKL's vector mathematics; None if MKL is not installed."""
    files = sorted((Path(sys.prefix) / "lib").glob("libmkl_rt.so*"))
    if not files:
        return None
    function = getattr(ctypes.CDLL(str(files[0])), f"vm{MKL_TYPE[dtype]}{name}")
    x, y = _values(dtype), aligned((VALUES,), dtype)
    repeats = REPEATS // VALUES * 10

    def run() -> None:
        for _ in range(repeats):
            function(
                VALUES,
                ctypes.c_void_p(x.ctypes.data),
                ctypes.c_void_p(y.ctypes.data),
                ctypes.c_int64(LOW_ACCURACY),
            )

    return Counted(run, VALUES * repeats)


def _values(dtype: str) -> NDArray[np.floating]:
    x = aligned((VALUES,), dtype)
    x[:] = np.random.default_rng(0).normal(0.0, 3.0, VALUES)
    return x


def _sleef(name: str, version: str, dtype: str) -> Counted | None:
    """Return a function of SLEEF; None if torch does not include it."""
    real, letter, bits = {"float32": ("float", "f", 32), "float64": ("double", "d", 64)}[dtype]
    lanes = HOST.vector_bits // bits
    function = f"Sleef_{name}{letter}{lanes}_{version}"
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        address = ctypes.cast(getattr(ctypes.CDLL(str(library)), function), ctypes.c_void_p).value
    except (OSError, AttributeError):
        return None
    llvm.add_symbol(function, address)
    vector = f"<{lanes} x {real}>"
    text = LOOP.format(vector=vector, real=real, function=function, lanes=lanes)
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=HOST.cpu, features=HOST.features, opt=2, jit=True
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    engine.finalize_object()
    kinds = (ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
    apply = ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address("apply"))
    x, y = _values(dtype), aligned((VALUES,), dtype)
    repeats = REPEATS // VALUES * 10

    def run(_owner: object = engine) -> None:
        apply(x.ctypes.data, VALUES, y.ctypes.data, repeats)

    return Counted(run, VALUES * repeats)
