"""Profiles a render: the CPU seconds of each stage, and the points that the network evaluates."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tilecppn import filesystem
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.tiles import TileFolder
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.pixels.renderer import Renderer
from tilecppn.run import render_job
from tilecppn.storage import base_store

NETWORK, RECONSTRUCTION, PYRAMID, ENCODING, WRITING = STAGES = (
    "network",
    "reconstruction",
    "pyramid",
    "encoding",
    "writing",
)

# Functions, and the stage of their own time, without that of the functions that they call.
CALLS: tuple[tuple[str, Any, str], ...] = (
    (NETWORK, LLVMKernel, "_run"),
    (RECONSTRUCTION, Renderer, "render"),
    (PYRAMID, render_job.RenderRunner, "_mean"),
    (PYRAMID, render_job, "mean2x2"),
    (ENCODING, base_store, "encode_shard"),
    (ENCODING, ExportOptions, "encode"),
    (WRITING, filesystem, "write_atomic"),
    (WRITING, TileFolder, "write_all"),
)


class Stages:
    """The CPU seconds of all threads by stage, and the points evaluated."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.points = 0
        self._lock = threading.Lock()
        self._inner = threading.local()  # seconds of the calls inside the one that runs now

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            outer, self._inner.seconds = getattr(self._inner, "seconds", 0.0), 0.0
            start = time.thread_time()
            try:
                return call(*arguments, **options)
            finally:
                taken = time.thread_time() - start
                with self._lock:
                    self.seconds[stage] += taken - self._inner.seconds
                    if stage == NETWORK:
                        lattices = arguments[1]
                        self.points += len(lattices.origins) * lattices.rows * lattices.cols
                self._inner.seconds = outer + taken

        return run

    @property
    def shares(self) -> dict[str, float]:
        total = sum(self.seconds.values())
        return {stage: self.seconds[stage] / total for stage in STAGES}


@contextmanager
def measured() -> Iterator[Stages]:
    """Measure the calls in this process during the block."""
    stages = Stages()
    saved = [(owner, name, getattr(owner, name)) for _, owner, name in CALLS]
    for stage, owner, name in CALLS:
        setattr(owner, name, stages.timed(stage, getattr(owner, name)))
    try:
        yield stages
    finally:
        for owner, name, call in saved:
            setattr(owner, name, call)
