"""What a Ray cluster's nodes have room for, and which of them are about to go."""

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import ray

from tilecppn.run.executors.base import gpu_threads

EVERY = 2.0  # seconds between two looks
END_TIMEOUT = 1.0  # seconds to wait for the last look


class Share(NamedTuple):
    """What one actor reserves. gpus: 0 on CPUs, or below 1 if several share one."""

    threads: int
    gpus: float

    def fits(self, resources: Mapping[str, float]) -> int:
        """Return how many such actors a node has room for, if nothing else is on it."""
        room = int(resources.get("CPU", 0) // self.threads)
        return min(room, int(resources.get("GPU", 0) / self.gpus + 1e-6)) if self.gpus else room


class Nodes(NamedTuple):
    """The nodes of a cluster at one moment."""

    resources: list[dict[str, float]]  # of those that are there to stay
    leaving: frozenset[str]  # ids of those that are drained, as before a spot instance goes

    def share(self, threads: int | None, gpus: float) -> Share:
        """Return what an actor reserves: the cores that every node has for its share of a GPU."""
        with_gpu = [r for r in self.resources if r.get("GPU") and r.get("CPU")]
        if not gpus or not any(r.get("GPU") for r in self.resources):
            return Share(threads or 1, 0)
        found = min((gpu_threads(r["CPU"], r["GPU"] / gpus) for r in with_gpu), default=1)
        return Share(threads or found, gpus)


def look() -> Nodes:
    """Ask Ray's head."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    leaving = _draining()
    alive = [node for node in found if node["Alive"] and node["NodeID"] not in leaving]
    return Nodes([node["Resources"] for node in alive], leaving)


def _draining() -> frozenset[str]:
    """The ids of nodes that are drained; Ray has no public name for it, and no answer by ray://."""
    try:
        from ray._private.state import state

        return frozenset(state.get_draining_nodes())
    except Exception:
        return frozenset()


class NodeWatch(threading.Thread):
    """Looks at the nodes again and again; `latest` is what it saw, None once it was taken.

    It is a thread of its own, since a head that does not answer holds whoever asks it.
    """

    def __init__(self) -> None:
        super().__init__(name="tilecppn-nodes", daemon=True)
        self.latest: Nodes | None = None
        self._ended = threading.Event()

    def run(self) -> None:
        """Look, in the thread."""
        while not self._ended.wait(EVERY):
            try:
                self.latest = look()
            except Exception:  # whatever Ray raises; it may answer next time
                continue

    def take(self) -> Nodes | None:
        """Return what was seen since the last call."""
        latest, self.latest = self.latest, None
        return latest

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        if self.is_alive():
            self.join(END_TIMEOUT)
