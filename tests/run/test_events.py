"""Events in the log."""

import logging

import pytest

from tests.run.jobs import ARITHMETIC
from tilecppn.plan import Plan, Shard
from tilecppn.run.events import (
    AttemptFailed,
    Event,
    LocksAreLocal,
    RunStarted,
    TaskDone,
    TaskHedged,
    TaskSkipped,
    WorkerJoined,
    WorkerLost,
    WorkerRejected,
    WorkerReleased,
    WorkerRetired,
    WorkersWaiting,
    log,
)
from tilecppn.run.jobs import TaskStats

SHARD = Shard(0, 1, 2)
PLAN = Plan(100, 100, channels=3, itemsize=1, tile=64, shard=64)


@pytest.mark.parametrize(
    ("event", "level", "words"),
    [
        (RunStarted(PLAN, "local", 2, 1, ARITHMETIC), logging.INFO, "2 local workers"),
        (WorkerJoined(1, "node:7"), logging.INFO, "node:7"),
        (TaskSkipped(SHARD), logging.DEBUG, SHARD.name),
        (TaskDone(SHARD, 1, TaskStats(1.0, 2, 3)), logging.DEBUG, SHARD.name),
        (TaskHedged(SHARD, 1), logging.INFO, SHARD.name),
        (WorkersWaiting(7), logging.INFO, "for 7 workers"),
        (WorkerRetired(1, "drained"), logging.INFO, "drained"),
        (WorkerReleased(1), logging.INFO, "worker 1 released"),
        (AttemptFailed(SHARD, 1, "odd", 2, final=False), logging.WARNING, "odd"),
        (WorkerLost(1, "killed"), logging.WARNING, "killed"),
        (LocksAreLocal("nfs with nolock"), logging.WARNING, "nfs with nolock"),
        (WorkerRejected(1, "other weights"), logging.WARNING, "other weights"),
    ],
)
def test_failures_are_logged_as_warnings_and_tasks_for_debugging(
    caplog: pytest.LogCaptureFixture, event: Event, level: int, words: str
) -> None:
    with caplog.at_level(logging.DEBUG, "tilecppn"):
        log(event)
    (record,) = caplog.records
    assert record.levelno == level
    assert words in record.getMessage()
