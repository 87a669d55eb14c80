"""Finds the CPU cores, GPUs and memory that this process may use."""

import os
import socket
from functools import cache
from importlib.util import find_spec
from pathlib import Path

TRITON = (3, 6)  # the oldest version that the triton kernel supports
CAPABILITY = (8, 0)  # the lowest compute capability that the triton kernel supports
CGROUP = Path("/sys/fs/cgroup")  # inside a container: its own limits


def cores() -> int:
    """Count the CPU cores that this process may use, by affinity and container limits."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = os.cpu_count() or 1 if affinity is None else len(affinity(0))
    limit = _cpu_limit()
    return count if limit is None else min(count, limit)


def address() -> str | None:
    """Return the address by which other machines on the network reach this one, None if unknown."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # an example's address: UDP sends nothing until asked to
        except OSError:
            return None
        return str(sock.getsockname()[0])


def gpus() -> int:
    """Count the NVIDIA GPUs that this process may use, without loading the driver."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([d for d in visible.split(",") if d.strip() not in ("", "-1")])
    try:
        return len(os.listdir("/proc/driver/nvidia/gpus"))
    except OSError:
        return 0


def has_cuda() -> bool:
    """Return whether torch finds a CUDA device; without an NVIDIA driver do not import torch."""
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()):
        return False
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


@cache  # asked for every kernel, and so for every frame of a film
def triton_fault() -> str | None:
    """Return why Triton cannot run on the CUDA device, and the remedy; None if it can."""
    if find_spec("triton") is None:
        return 'Triton is not installed: pip install "tilecppn[cuda]"'
    from importlib.metadata import version

    if tuple(map(int, version("triton").split(".")[:2])) < TRITON:
        return f'Triton {version("triton")} is too old: pip install --upgrade "tilecppn[cuda]"'
    import torch

    if torch.cuda.get_device_capability() < CAPABILITY:
        return "the CUDA device is older than compute capability 8.0; use --kernel torch"
    try:
        from triton.runtime import driver

        driver.active.utils  # noqa: B018 - compiled by gcc or clang where it is first asked for
    except Exception as error:  # whatever a compiler, a linker or Triton raises
        return (
            f"Triton cannot be started, which takes a C compiler and Python's headers ({error}); "
            "install them, or use --kernel torch"
        )
    return None


def is_lost_device(error: Exception) -> bool:
    """Return whether an error means that this process can no longer use its GPU."""
    words = f"{type(error).__name__}: {error}"
    if "out of memory" in words:
        return False
    signs = ("AcceleratorError", "CUDA error", "Triton Error [CUDA]", "LostDeviceError")
    return any(sign in words for sign in signs)


def free_memory() -> int | None:
    """Return the free memory in bytes, within a container's limit; None if unknown."""
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
    """Return the bytes left below a container's limit; None without a limit.

    Cached files that were not used lately count as free, since the kernel drops them first.
    """
    for limit, used, stat, cached in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),  # cgroup v2
        (
            "memory/memory.limit_in_bytes",  # v1
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ):
        try:
            free = int(_read(limit)) - int(_read(used))
        except ValueError:  # "max", or no such file
            continue
        words = _read(stat).split()
        given_back = dict(zip(words[::2], words[1::2], strict=False)).get(cached, "0")
        return max(0, free + int(given_back))
    return None


def _cpu_limit() -> int | None:
    """Return the CPUs that a container may use, rounded up; None without a limit."""
    words = _read("cpu.max").split()  # cgroup v2
    if not words:
        words = [_read("cpu/cpu.cfs_quota_us"), _read("cpu/cpu.cfs_period_us")]  # v1
    try:
        quota, period = map(int, words)
    except ValueError:  # "max", or no such file
        return None
    return -(-quota // period) if quota > 0 else None  # v1 says -1 for no limit


def _read(name: str) -> str:
    """Read a file of the cgroup; "" if it is missing."""
    try:
        return (CGROUP / name).read_text().strip()
    except OSError:
        return ""
