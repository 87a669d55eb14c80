"""The device and precision of a training."""

from contextlib import AbstractContextManager

import torch

from tilecppn.errors import InvalidRequestError


def pick_device(name: str) -> torch.device:
    """Return the torch device for `auto`, `cpu` or `cuda`.

    Raises InvalidRequestError without a CUDA device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidRequestError("--device cuda: this machine has no CUDA device; leave it out")
    return torch.device(name)


def autocast(device: torch.device, mixed: bool) -> AbstractContextManager[object]:
    """Return a context in which matrix products use bfloat16, if `mixed`; weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed)


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the device has native bfloat16 products, at least twice as fast."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    ask = getattr(torch.cpu, "get_capabilities", dict)  # torch 2.10 or newer
    return bool({"avx512_bf16", "amx_bf16", "arm_bf16"} & {k for k, v in ask().items() if v})
