"""What the machine has, and what a container leaves of it: simulated control groups."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tilecppn import machine

GB = 2**30
Files = dict[str, object]
Group = Callable[[Files], None]


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """Writes a container's control group; the machine has 64 cores and 100 GB."""
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(machine, "_available", lambda: 100 * GB)

    def write(files: Files) -> None:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")

    return write


def v2(limit: object, used: int, cached: int) -> Files:
    stat = f"anon {used - cached}\nfile {cached + GB}\ninactive_file {cached}\nactive_file {GB}"
    return {"memory.max": limit, "memory.current": used, "memory.stat": stat}


def v1(limit: int, used: int, cached: int) -> Files:
    stat = f"inactive_file 1\ntotal_inactive_file {cached}"
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    return {f"memory/{name}": v for name, v in zip(names, (limit, used, stat), strict=True)}


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 100 * GB),
        (v2(8 * GB, 3 * GB, 0), 5 * GB),
        (v2(8 * GB, 8 * GB, 6 * GB), 6 * GB),  # after a large render: its files are cached
        (v2(8 * GB, 9 * GB, 0), 0),
        (v2(200 * GB, 20 * GB, 0), 100 * GB),  # more than the machine has
        (v2("max", 20 * GB, 0), 100 * GB),
        ({"memory.max": 8 * GB, "memory.current": 3 * GB}, 5 * GB),
        (v1(8 * GB, 8 * GB, 6 * GB), 6 * GB),
        (v1(2**63 - 4096, 8 * GB, 6 * GB), 100 * GB),  # as v1 says that there is no limit
    ],
)
def test_free_memory_is_what_the_container_leaves(group: Group, files: Files, free: int) -> None:
    group(files)
    assert machine.free_memory() == free


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"cpu.max": "max 100000"}, 64),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "1000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 64),
        ({"cpu/cpu.cfs_quota_us": -1, "cpu/cpu.cfs_period_us": 100000}, 64),
        ({"cpu/cpu.cfs_quota_us": 150000, "cpu/cpu.cfs_period_us": 100000}, 2),
    ],
)
def test_cores_are_those_that_the_container_may_use(group: Group, files: Files, cores: int) -> None:
    group(files)
    assert machine.cores() == cores


def test_this_machine_has_a_core_and_some_memory() -> None:
    assert machine.cores() >= 1
    free = machine.free_memory()
    assert free is None or free > 0
