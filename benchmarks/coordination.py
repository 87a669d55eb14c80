"""What the coordinator costs: 10,000 workers that answer at once, a plan of 10¹² pixels.

python -m benchmarks.coordination [SIDE]
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
from tilecppn.run.executors import Message, TaskResult, WorkerReady
from tilecppn.run.jobs import TaskStats, TaskSucceeded, WorkerInfo
from tilecppn.run.task_queue import RunResult

WORKERS = 10_000
SIDE = 1_000_000  # pixels: 10¹² in all
BATCH = 64  # answers a poll
SOMEONE = WorkerInfo("f00d", Arithmetic("simulated", "exact", "cpu", 1), "here")


class Bits:
    """A ledger of a bit a shard, as small as any: the store's own are files."""

    def __init__(self, plan: Plan) -> None:
        self.done = [np.zeros((level.rows, level.cols), bool) for level in plan.levels]

    def has(self, shard: Shard) -> bool:
        return bool(self.done[shard.level][shard.row, shard.col])

    def add(self, shard: Shard) -> None:
        self.done[shard.level][shard.row, shard.col] = True

    def delete(self, shard: Shard) -> None:
        self.done[shard.level][shard.row, shard.col] = False


class Simulated:
    """An executor without workers: whatever is submitted is done at the next poll but a few."""

    name = "simulated"
    threads = 1
    depth = 2

    def __init__(self, ledger: Bits, workers: int = WORKERS) -> None:
        self.ledger = ledger
        self.workers = workers
        self.flight: deque[tuple[int, Shard]] = deque()
        self.messages: list[Message] = []

    def start(self) -> None:
        self.messages = [WorkerReady(number, SOMEONE) for number in range(self.workers)]

    def submit(self, worker: int, shard: Shard) -> None:
        self.flight.append((worker, shard))

    def poll(self, timeout: float) -> list[Message]:
        messages, self.messages = self.messages, []
        for _ in range(min(BATCH, len(self.flight))):
            worker, shard = self.flight.popleft()
            self.ledger.add(shard)
            messages.append(TaskResult(worker, shard, TaskSucceeded(TaskStats(1.0, 1, 1))))
        return messages

    def replace(self, worker: int) -> None:
        raise AssertionError("nobody is ever late here")

    def stop(self) -> None:
        self.flight.clear()


def coordinate(plan: Plan, workers: int = WORKERS) -> RunResult:
    """A whole run; its outcome has the seconds."""
    ledger = Bits(plan)
    executor = Simulated(ledger, workers)
    executor.start()
    coordinator = Coordinator(executor)
    coordinator.wait_for_first_worker()
    return coordinator.run(plan, ledger)


def main() -> None:
    side = int(sys.argv[1]) if len(sys.argv) > 1 else SIDE
    plan = Plan(side, side, channels=3, itemsize=1, tile=512, shard=4096)
    start = time.process_time()
    outcome = coordinate(plan)
    seconds = time.process_time() - start
    shards = outcome.rendered
    print(
        json.dumps(
            {
                "pixels": side**2,
                "shards": shards,
                "workers": WORKERS,
                "microseconds a shard": 1e6 * seconds / shards,
                "peak bytes": peak_bytes(),
            }
        )
    )


if __name__ == "__main__":
    main()
