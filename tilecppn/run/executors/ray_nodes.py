"""Watches a Ray cluster's nodes: their resources, and which are about to be shut down."""

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import ray

from tilecppn.run.executors.base import gpu_threads

EVERY = 2.0  # seconds between two requests
END_TIMEOUT = 1.0  # seconds to wait for the last request


class Share(NamedTuple):
    """The resources that one actor reserves. gpus: 0 on CPUs, or below 1 if several share one."""

    threads: int
    gpus: float

    def fits(self, resources: Mapping[str, float]) -> int:
        """Return how many such actors fit on a node that runs nothing else."""
        room = int(resources.get("CPU", 0) // self.threads)
        return min(room, int(resources.get("GPU", 0) / self.gpus + 1e-6)) if self.gpus else room


class Nodes(NamedTuple):
    """The nodes of a cluster at one moment."""

    resources: list[dict[str, float]]  # of nodes that are not drained
    leaving: frozenset[str]  # ids of drained nodes, as before a spot instance ends

    def share(self, threads: int | None, gpus: float) -> Share:
        """Return an actor's resources: the cores that every node has for its share of a GPU."""
        with_gpu = [r for r in self.resources if r.get("GPU") and r.get("CPU")]
        if not gpus or not any(r.get("GPU") for r in self.resources):
            return Share(threads or 1, 0)
        found = min((gpu_threads(r["CPU"], r["GPU"] / gpus) for r in with_gpu), default=1)
        return Share(threads or found, gpus)


def look() -> Nodes:
    """Ask Ray's head node for the nodes."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    leaving = _draining()
    alive = [node for node in found if node["Alive"] and node["NodeID"] not in leaving]
    return Nodes([node["Resources"] for node in alive], leaving)


def _draining() -> frozenset[str]:
    """Return the ids of drained nodes, by a private API of Ray that does not work over ray://."""
    try:
        from ray._private.state import state

        return frozenset(state.get_draining_nodes())
    except Exception:
        return frozenset()


class NodeWatch(threading.Thread):
    """A thread that asks for the nodes regularly; `latest` is the last answer, None once taken.

    It has a thread of its own, since a request to a head that does not answer blocks.
    """

    def __init__(self) -> None:
        super().__init__(name="tilecppn-nodes", daemon=True)
        self.latest: Nodes | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        """Ask for the nodes regularly, in the thread."""
        while not self._ended.wait(EVERY):
            try:
                self.latest = look()
            except Exception:  # whatever Ray raises: it may answer next time
                continue

    def take(self) -> Nodes | None:
        """Return the last answer since the previous call; None if there is none."""
        latest, self.latest = self.latest, None
        return latest

    def end(self) -> None:
        """Stop the thread."""
        self._ended.set()
        if self.is_alive():
            self.join(END_TIMEOUT)
