"""The table of kernels, and the choice of one by name or by `auto` on this machine."""

from collections.abc import Callable

from tilecppn import machine
from tilecppn.errors import InvalidRequestError
from tilecppn.kernels.base import EvaluationContext, Kernel, Memory
from tilecppn.kernels.wgpu.device import adapter, has_gpu
from tilecppn.suggestions import suggestion


def _reference(context: EvaluationContext, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.reference import ReferenceKernel

    return ReferenceKernel(context)


def _llvm(context: EvaluationContext, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.llvm.kernel import LLVMKernel

    return LLVMKernel(context, memory=memory)


def _torch(context: EvaluationContext, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.torch import TorchKernel

    return TorchKernel(context)


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise InvalidRequestError(
            f'torch is not installed ({error}): pip install "tilecppn[torch]"'
        ) from error


def _require_triton() -> None:
    try:
        from tilecppn.kernels.triton.activations import interpreted
    except ImportError as error:
        raise InvalidRequestError(
            f'Triton is not installed ({error}): pip install "tilecppn[cuda]"'
        ) from error
    if interpreted():
        return
    if not machine.has_cuda():
        raise InvalidRequestError(
            "the kernel triton needs a CUDA device of compute capability 8.0 or newer; "
            "use --kernel auto"
        )
    if fault := machine.triton_fault():
        raise InvalidRequestError(fault)


def _triton(context: EvaluationContext, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.triton.kernel import TritonKernel, arithmetic, supports

    if supports(context):
        return TritonKernel(context)
    from tilecppn.kernels.torch import TorchKernel

    return TorchKernel(context, arithmetic=arithmetic(context))


def _require_wgpu() -> None:
    try:
        adapter()
    except (ImportError, OSError) as error:
        raise InvalidRequestError(
            f'wgpu is not installed ({error}): pip install "tilecppn[gpu]"'
        ) from error


def _wgpu(context: EvaluationContext, memory: Memory | None) -> Kernel:
    from tilecppn.kernels.wgpu.kernel import WgpuKernel, on_cpu, supports

    if supports(context):
        return WgpuKernel(context)
    from tilecppn.kernels.llvm.kernel import LLVMKernel

    kernel = LLVMKernel(context, memory=memory)
    kernel.arithmetic = on_cpu(kernel.arithmetic)
    return kernel


KERNELS: dict[str, Callable[[EvaluationContext, Memory | None], Kernel]] = {
    "reference": _reference,
    "llvm": _llvm,
    "torch": _torch,
    "triton": _triton,
    "wgpu": _wgpu,
}


def resolve(name: str) -> str:
    """Return the kernel that `auto` means, or the name itself.

    Raises InvalidRequestError for an unknown one.
    """
    if name == "auto":
        if not machine.has_cuda():
            return "wgpu" if has_gpu() else "llvm"
        return "triton" if machine.triton_fault() is None else "torch"
    if name not in KERNELS:
        raise InvalidRequestError(
            f'unknown kernel "{name}"; {suggestion(["auto", *KERNELS], name)}'
        )
    return name


def require(name: str, precision: str) -> str:
    """Return the kernel's name like `resolve`, and check that this machine can run it.

    Raises InvalidRequestError if the kernel or the precision is not available.
    """
    name = resolve(name)
    if precision != "exact" and name != "triton":
        raise InvalidRequestError(
            f'output.precision = "{precision}": only the kernel triton has it, on a CUDA '
            f"device, not {name}; use --set output.precision=exact"
        )
    if name == "torch":
        _require_torch()
    if name == "triton":
        _require_triton()
    if name == "wgpu":
        _require_wgpu()
    return name


def create(name: str, context: EvaluationContext, memory: Memory | None = None) -> Kernel:
    """Create a kernel by name, or by `auto`. Raises InvalidRequestError like `require`.

    memory: shared by a thread that creates one kernel after another; None for its own.
    """
    return KERNELS[require(name, context.precision)](context, memory)
