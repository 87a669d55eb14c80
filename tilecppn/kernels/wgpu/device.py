"""Finds a GPU by wgpu, and keeps a device with pipelines and buffers for each thread.

Each thread has a device of its own, so that none waits for another's work or lock.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import InvalidRequestError

# Best first. A software adapter has the type CPU.
KINDS = ("DiscreteGPU", "IntegratedGPU", "VirtualGPU", "Unknown", "CPU")
HARDWARE = KINDS[:2]
BACKENDS = ("Vulkan", "Metal", "DX12")  # OpenGL's compute shaders are incomplete
_HERE = threading.local()
_STARTING = threading.RLock()


@cache  # asked for every kernel
def has_gpu() -> bool:
    """Return whether wgpu is installed and finds a hardware GPU."""
    if find_spec("wgpu") is None or (sys.platform == "linux" and not Path("/dev/dri").exists()):
        return False
    try:
        return not is_software()
    except (InvalidRequestError, ImportError, OSError):
        return False


@cache
def adapter() -> Any:
    """Return the adapter to use: the first of the best type, or the one named in the environment.

    Raises InvalidRequestError if there is none.
    """
    import wgpu
    from wgpu.backends.wgpu_native import extras

    with suppress(RuntimeError), _quiet():  # too late if this process already uses wgpu
        extras.set_instance_extras(backends=BACKENDS)
    with _quiet():
        found = wgpu.gpu.enumerate_adapters_sync()
    wanted = os.environ.get("WGPUPY_WGPU_ADAPTER_NAME", "")  # wgpu's own variable
    usable = [
        a for a in found if a.info["backend_type"] in ("Vulkan", "Metal", "D3D12")
        and wanted in a.summary
    ]  # fmt: skip
    if not usable:
        raise InvalidRequestError(
            "the kernel wgpu finds no GPU with Vulkan, Metal or Direct3D 12"
            + (f' that is called "{wanted}"' if wanted else "")
            + "; install its driver, or use --kernel llvm"
        )
    return min(usable, key=lambda a: KINDS.index(a.info["adapter_type"]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Set XDG_RUNTIME_DIR, whose absence Mesa reports on stderr. One thread at a time."""
    with _STARTING:
        if sys.platform != "linux" or os.environ.get("XDG_RUNTIME_DIR"):
            yield
            return
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_RUNTIME_DIR"] = folder
            try:
                yield
            finally:
                del os.environ["XDG_RUNTIME_DIR"]


def is_software() -> bool:
    """Return whether the adapter is software on the CPU."""
    return str(adapter().info["adapter_type"]) not in HARDWARE


def device_name() -> str:
    """Return the adapter, its driver and the back end, which decide the bits of results."""
    info = adapter().info
    return ", ".join(
        part for part in (info["device"], info["description"], info["backend_type"]) if part
    )


class LostDeviceError(Exception):
    """Raised if the device is lost, so that all further use of it fails."""


@contextmanager
def detecting_device_loss() -> Iterator[None]:
    """Raise LostDeviceError if the thread's device is lost; its next kernel gets a new one."""
    try:
        yield
    except Exception as error:  # whatever wgpu raises, which has no type for it
        if not any(sign in str(error) for sign in ("device is lost", "Could not map buffer")):
            raise
        _HERE.__dict__.pop("device", None)
        raise LostDeviceError(f"the GPU ({device_name()}) is lost to this process") from error


class Device:
    """A thread's device. Buffers grow and are reused by each call."""

    def __init__(self) -> None:
        with _quiet():
            self.device = adapter().request_device_sync()
        self.pipelines: dict[str, Any] = {}
        self._buffers: dict[str, Any] = {}

    @classmethod
    def of_thread(cls) -> "Device":
        """Return the calling thread's device."""
        if not hasattr(_HERE, "device"):
            _HERE.device = cls()
        found: Device = _HERE.device
        return found

    def pipeline(self, source: str) -> Any:
        """Return the compute pipeline of a shader module, compiled once."""
        if source not in self.pipelines:
            module = self.device.create_shader_module(code=source)
            self.pipelines[source] = self.device.create_compute_pipeline(
                layout="auto", compute={"module": module, "entry_point": "main"}
            )
        return self.pipelines[source]

    def sent(self, values: NDArray[Any]) -> Any:
        """Return a new buffer with these values, to be read as uniforms or as storage."""
        return self.device.create_buffer_with_data(data=values, usage="UNIFORM|STORAGE")

    def write(self, name: str, values: NDArray[Any], usage: str = "STORAGE") -> dict[str, Any]:
        """Send values to the buffer of that name; return it as a binding resource."""
        found = self.buffer(name, values.nbytes, f"{usage}|COPY_DST")
        self.device.queue.write_buffer(found["buffer"], 0, np.ascontiguousarray(values))
        return found

    def buffer(self, name: str, size: int, usage: str) -> dict[str, Any]:
        """Return the buffer of that name, with at least `size` bytes, as a binding resource."""
        size = max(16, -(-size // 8) * 8)  # as mapping requires
        if name not in self._buffers or self._buffers[name].size < size:
            if name in self._buffers:
                self._buffers[name].destroy()
            room = 1 << (size - 1).bit_length()
            self._buffers[name] = self.device.create_buffer(size=room, usage=usage)
        return {"buffer": self._buffers[name], "offset": 0, "size": size}

    def run(
        self, pipeline: Any, bound: list[dict[str, Any]], groups: int, wanted: list[dict[str, Any]]
    ) -> Iterator[memoryview]:
        """Run `groups` workgroups; yield the bytes of each of `wanted`, valid until the next."""
        encoder = self.device.create_command_encoder()
        compute = encoder.begin_compute_pass()
        compute.set_pipeline(pipeline)
        entries = [{"binding": i, "resource": resource} for i, resource in enumerate(bound)]
        layout = pipeline.get_bind_group_layout(0)
        compute.set_bind_group(0, self.device.create_bind_group(layout=layout, entries=entries))
        compute.dispatch_workgroups(groups)
        compute.end()
        total = sum(resource["size"] for resource in wanted)
        staging = self.buffer("staging", total, "MAP_READ|COPY_DST")["buffer"]
        start = 0
        for resource in wanted:
            encoder.copy_buffer_to_buffer(resource["buffer"], 0, staging, start, resource["size"])
            start += resource["size"]
        self.device.queue.submit([encoder.finish()])
        staging.map_sync("READ", 0, total)
        try:
            start = 0
            for resource in wanted:
                yield staging.read_mapped(start, resource["size"], copy=False)
                start += resource["size"]
        finally:
            staging.unmap()
