"""Renders on a Ray cluster of several nodes, in a process of its own.

python -m tests.run.ray_cluster SCENARIO FOLDER

Prints one JSON object. Shards take as long as they are told to sleep, so that many workers fit on
few cores.
"""

import json
import logging
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

from tests.run.renders import KERNEL, SCENE, empty_store, job_for, run_job
from tests.run.slowed import Slowed
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    TaskDone,
    TaskHedged,
    WorkerJoined,
    WorkerLost,
    WorkerReleased,
    WorkerRetired,
)
from tilecppn.run.executors.ray import RayExecutor
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render_to
from tilecppn.run.retry_policy import RetryPolicy

clusters: list[Cluster] = []  # to be shut down
PATIENCE = 300.0  # seconds: the end of it, not a measure


def cluster(*cpus: int) -> Cluster:
    """A head without a CPU, and nodes."""
    found = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 0,
            "include_dashboard": False,
            "_system_config": {"metrics_report_interval_ms": 1000},
        },
    )
    for count in cpus:
        found.add_node(num_cpus=count)
    ray.init(address=found.address, log_to_driver=False, logging_level=logging.ERROR)
    clusters.append(found)
    return found


def elastic(folder: Path) -> dict[str, Any]:
    """2 workers; a node for 6 more joins when a third is done, and is drained at two thirds.

    Until all 6 are there, which takes long on a busy machine, no shard is finished.
    """
    nodes = cluster(2)
    store = empty_store(folder / "a.zarr", SCENE)
    third = store.plan.shards // 3
    events: list[tuple[float, Event]] = []
    points = [threading.Event(), threading.Event()]
    hold = folder / "hold"

    def listen(event: Event) -> None:
        events.append((time.monotonic(), event))
        done = count(events, TaskDone)
        if done == third and isinstance(event, TaskDone):
            hold.touch()
        if count(events, WorkerJoined) == 8:
            hold.unlink(missing_ok=True)
        for number, point in enumerate(points, 1):
            if done >= number * third:
                point.set()

    executor = RayExecutor(Slowed(job_for(SCENE, store.path), 0.3, hold=str(hold)))
    patient = RetryPolicy(deadline=3600.0)
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(run_job, executor, store, patient, listen)
        points[0].wait(PATIENCE)
        nodes.add_node(num_cpus=6)  # Ray wants the main thread for it
        joined = time.monotonic()
        points[1].wait(PATIENCE)
        _drain(nodes)
        outcome, _ = running.result()
    newcomers = {e.worker for _, e in events if isinstance(e, WorkerJoined) and e.worker > 1}
    first = min(t for t, e in events if isinstance(e, TaskDone) and e.worker in newcomers)
    retired = {e.worker for t, e in events if isinstance(e, WorkerRetired)}
    return {
        "rendered": outcome.rendered,
        "shards": store.plan.shards,
        "joined": count(events, WorkerJoined),
        "lost": count(events, WorkerLost),
        "failed": count(events, AttemptFailed),
        "retired": len(retired),
        "released": count(events, WorkerReleased),
        "seconds until newcomers draw": round(first - joined, 1),
        "seconds": round(time.monotonic() - begun, 1),
    }


def count(events: list[tuple[float, Event]], kind: type[Event]) -> int:
    return sum(isinstance(event, kind) for _, event in events)


def seen() -> list[dict[str, Any]]:
    """The nodes, as Ray sees them."""
    return ray.nodes()  # type: ignore[no-untyped-call, no-any-return]


def _drain(nodes: Cluster) -> None:
    raylet: Any = import_module("ray._raylet")
    reasons: Any = import_module("ray.core.generated.autoscaler_pb2")
    gcs = raylet.GcsClient(address=nodes.address)
    reason = reasons.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
    node = next(n["NodeID"] for n in seen() if n["Resources"].get("CPU") == 6)
    accepted, why = gcs.drain_node(node, reason, "spot", int(time.time() * 1000) + 60_000)
    assert accepted, why


def slow_worker(folder: Path) -> dict[str, Any]:
    """Eight workers, of which one takes a thousand times as long as the others."""
    cluster(8)
    store = empty_store(folder / "a.zarr", SCENE)
    job = Slowed(job_for(SCENE, store.path), 0.5, 1000.0, str(folder / "mark"))
    outcome, events = run_job(RayExecutor(job, 8), store, RetryPolicy(deadline=3600.0))
    return {
        "seconds": round(outcome.seconds, 1),
        "rendered": outcome.rendered,
        "shards": store.plan.shards,
        "hedged": sum(isinstance(e, TaskHedged) for e in events),
        "lost": sum(isinstance(e, WorkerLost) for e in events),
    }


def metrics(folder: Path) -> dict[str, Any]:
    """What a node offers to Prometheus of a run."""
    cluster(2)
    _, outcome = render_to(SCENE, folder / "a.zarr", RunOptions("ray", kernel=KERNEL))
    found: dict[str, float] = {}
    for _ in range(60):
        for node in seen():
            address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}"
            found |= scrape(address)
        if found.get("ray_tilecppn_pixels_total") == outcome.pixels:
            break
        time.sleep(0.5)
    return {"pixels": outcome.pixels, "shards": outcome.rendered, "metrics": found}


def scrape(address: str) -> dict[str, float]:
    """The sums of our metrics, over all tags."""
    text = urllib.request.urlopen(address, timeout=10).read().decode()
    found: dict[str, float] = {}
    for line in text.splitlines():
        name = line.partition("{")[0]
        if name.startswith("ray_tilecppn_") and not name.endswith("_bucket"):
            found[name] = found.get(name, 0.0) + float(line.rpartition(" ")[2])
    return found


SCENARIOS = {"elastic": elastic, "slow-worker": slow_worker, "metrics": metrics}

if __name__ == "__main__":
    try:
        print(json.dumps(SCENARIOS[sys.argv[1]](Path(sys.argv[2]))), flush=True)
    finally:
        ray.shutdown()
        for found in clusters:
            found.shutdown()  # type: ignore[no-untyped-call]
