"""Where a training runs, and in which precision."""

from contextlib import AbstractContextManager

import torch

from tilecppn.errors import InvalidRequestError


def pick_device(name: str) -> torch.device:
    """The device that `auto`, `cpu` or `cuda` means.

    Raises InvalidRequestError without a CUDA device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidRequestError("--device cuda: this machine has no CUDA device; leave it out")
    return torch.device(name)


def autocast(device: torch.device, mixed: bool) -> AbstractContextManager[object]:
    """Within the block matrix products are in bfloat16, if `mixed`; weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 itself, at twice the speed or more."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    ask = getattr(torch.cpu, "get_capabilities", dict)  # torch 2.10 or newer
    return bool({"avx512_bf16", "amx_bf16", "arm_bf16"} & {k for k, v in ask().items() if v})
