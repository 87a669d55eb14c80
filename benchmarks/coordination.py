"""Measures the coordinator's overhead: 10,000 workers that answer immediately, 10¹² pixels.

python -m benchmarks.coordination [SIDE [CHURN]]

CHURN: results after which a worker's node is lost and another worker joins; 18 replaces a third of
the workers in a minute, if a shard takes ten seconds.
"""

import json
import sys
import time
from collections import deque

import numpy as np

from benchmarks.measuring import peak_bytes
from tilecppn.kernels import Arithmetic
from tilecppn.plan import Plan, Shard
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.executors.base import Executor, Message, TaskResult, WorkerDied, WorkerReady
from tilecppn.run.jobs import TaskStats, WorkerInfo
from tilecppn.run.task_queue import RunResult

WORKERS = 10_000
SIDE = 1_000_000  # pixels: 10¹² in all
BATCH = 64  # results per poll
SECONDS = 10.0  # per shard, by the simulated clock
SOMEONE = WorkerInfo("f00d", Arithmetic("simulated", "exact", "cpu", 1), "here")


class BitStore:
    """A store that keeps only one bit for each shard."""

    def __init__(self, plan: Plan) -> None:
        self.done = [np.zeros((level.rows, level.cols), bool) for level in plan.levels]

    def has(self, shard: Shard) -> bool:
        """Return whether a shard is done."""
        return bool(self.done[shard.level][shard.row, shard.col])

    def add(self, shard: Shard) -> None:
        """Mark a shard as done."""
        self.done[shard.level][shard.row, shard.col] = True

    def delete(self, shard: Shard) -> None:
        """Mark a shard as not done."""
        self.done[shard.level][shard.row, shard.col] = False

    def why_gone(self, shard: Shard) -> None:
        """Return None: the store never goes away."""
        return


class Simulated(Executor):
    """A simulated executor, whose submitted tasks are done a few polls later.

    Attribute `now`: the simulated time in seconds.
    """

    name = "simulated"
    room = 0
    gpus = 0.0
    remote = True
    threads = 1
    depth = 2

    def __init__(self, store: BitStore, workers: int = WORKERS, churn: int = 0) -> None:
        self.store = store
        self.churn = churn
        self.alive: set[int] = set()
        self.answers = 0
        self.now = 0.0
        self.workers = workers
        self.flight: deque[tuple[int, Shard]] = deque()
        self.messages: list[Message] = []
        self.number = 0  # of the next worker

    def start(self, count: int) -> list[int]:
        """Start workers, which are ready immediately."""
        numbers = list(range(self.number, self.number + count))
        self.number += count
        self.messages += [WorkerReady(number, SOMEONE) for number in numbers]
        self.alive.update(numbers)
        return numbers

    def submit(self, worker: int, shard: Shard) -> None:
        """Take a shard."""
        self.flight.append((worker, shard))

    def poll(self, timeout: float) -> list[Message]:
        """Finish the oldest shards in flight."""
        messages, self.messages = self.messages, []
        count = min(BATCH, len(self.flight))
        self.now += count * SECONDS / self.workers if count else timeout
        for _ in range(count):
            worker, shard = self.flight.popleft()
            if worker not in self.alive:
                continue
            self.answers += 1
            if self.churn and self.answers % self.churn == 0:
                self.alive.discard(worker)
                messages.append(WorkerDied(worker, "its node is gone", node_lost=True))
                continue
            self.store.add(shard)
            messages.append(TaskResult(worker, shard, TaskStats(1.0, 1, 1)))
        return messages

    def release(self, worker: int) -> None:
        """Forget a worker."""
        self.alive.discard(worker)

    def stop(self) -> None:
        """Drop what is in flight."""
        self.flight.clear()


def coordinate(plan: Plan, workers: int = WORKERS, churn: int = 0) -> RunResult:
    """Run all shards; return the outcome, which has the seconds."""
    store = BitStore(plan)
    executor = Simulated(store, workers, churn)
    coordinator = Coordinator(executor, clock=lambda: executor.now)
    coordinator.start()
    return coordinator.run(plan, store)


def main() -> None:
    """Print the result as JSON."""
    side = int(sys.argv[1]) if len(sys.argv) > 1 else SIDE
    churn = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    plan = Plan(side, side, channels=3, itemsize=1, tile=512, shard=4096)
    start = time.process_time()
    outcome = coordinate(plan, churn=churn)
    seconds = time.process_time() - start
    shards = outcome.rendered
    print(
        json.dumps(
            {
                "pixels": side**2,
                "shards": shards,
                "workers lost": outcome.workers_lost,
                "failed": len(outcome.failed),
                "workers": WORKERS,
                "microseconds a shard": 1e6 * seconds / shards,
                "peak bytes": peak_bytes(),
            }
        )
    )


if __name__ == "__main__":
    main()
