"""What this machine has: cores, GPUs and memory that this process may use."""

import os
from importlib.util import find_spec
from pathlib import Path


def cores() -> int:
    """CPU cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> int:
    """NVIDIA's GPUs that this process may use, counted without a driver's library."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([d for d in visible.split(",") if d.strip() not in ("", "-1")])
    try:
        return len(os.listdir("/proc/driver/nvidia/gpus"))
    except OSError:
        return 0


def has_cuda() -> bool:
    """Whether torch finds a CUDA device. Without an NVIDIA driver torch is not imported."""
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or os.name == "nt"):
        return False
    import torch

    return torch.cuda.is_available()


def has_triton() -> bool:
    """Whether Triton is installed and serves the CUDA device: compute capability 8.0 or newer."""
    if find_spec("triton") is None:
        return False
    import torch

    return torch.cuda.get_device_capability() >= (8, 0)


def free_memory() -> int | None:
    """Bytes of memory that can still be had, a container's limit included; None if unknown."""
    found = [value for value in (_available(), _container()) if value is not None]
    return min(found) if found else None


def _available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _container() -> int | None:
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
        return None if limit == "max" else max(0, int(limit) - used)
    except (OSError, ValueError):
        return None
