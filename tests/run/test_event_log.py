"""Events as JSON lines."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.run.jobs import ARITHMETIC
from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Plan, Shard
from tilecppn.run.event_log import EventLog
from tilecppn.run.events import AttemptFailed, Event, RunStarted, TaskDone, WorkerJoined
from tilecppn.run.jobs import TaskStats

SHARD = Shard(0, 1, 2)
PLAN = Plan(100, 100, channels=3, itemsize=1, tile=64, shard=64)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (WorkerJoined(3, "node:7"), {"worker": 3, "location": "node:7"}),
        (
            TaskDone(SHARD, 3, TaskStats(1.5, 4096, 99, (("draw", 1.0), ("store", 0.5)))),
            {"task": SHARD.name, "kind": "draw", "worker": 3, "seconds": 1.5, "pixels": 4096}
            | {"bytes": 99, "stages": {"draw": 1.0, "store": 0.5}},
        ),
        (
            AttemptFailed(SHARD, 3, "odd", 2, final=False, delay=0.5),
            {"task": SHARD.name, "kind": "draw", "worker": 3, "reason": "odd", "attempt": 2}
            | {"final": False, "delay": 0.5},
        ),
        (
            RunStarted(PLAN, "ray", 2, 1, ARITHMETIC),
            {"executor": "ray", "workers": 2, "threads": 1, "tasks": PLAN.tasks}
            | {"pixels": PLAN.pixels, "arithmetic": ARITHMETIC._asdict()},
        ),
    ],
)
def test_each_event_is_a_line_with_its_time_and_fields(
    event: Event, expected: dict[str, object], tmp_path: Path
) -> None:
    with EventLog(tmp_path / "a.jsonl", lambda: NOON) as log:
        log(event)
        (line,) = (tmp_path / "a.jsonl").read_text().splitlines()  # it is there at once
    assert json.loads(line) == {
        "time": "2026-11-26T12:00:00+00:00",
        "event": type(event).__name__,
        **expected,
    }


def test_a_resumed_run_adds_to_the_log_of_the_first(tmp_path: Path) -> None:
    for worker in range(2):
        with EventLog(tmp_path / "a.jsonl") as log:
            log(WorkerJoined(worker, "here"))
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["worker"] for line in lines] == [0, 1]


def test_a_log_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"^log /"):
        EventLog(tmp_path / "no" / "a.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_ends_the_log_and_not_the_run(caplog: pytest.LogCaptureFixture) -> None:
    with EventLog(Path("/dev/full")) as log:
        for _ in range(3):
            log(WorkerJoined(0, "here"))
    (warning,) = [record for record in caplog.records if "no further events" in record.message]
    assert "/dev/full" in warning.message
