"""Ray clusters of several nodes, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.run.renders import SCENE, assert_same
from tilecppn.run.render import render
from tilecppn.storage.store import Store

pytestmark = pytest.mark.slow


def run(scenario: str, folder: Path) -> Any:
    """What a scenario reports."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.run.ray_cluster", scenario, str(folder)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_run_grows_onto_a_node_that_joins_and_leaves_one_that_is_drained(tmp_path: Path) -> None:
    """2, then 8, then 2 workers: no shard is lost, and no byte differs."""
    report = run("elastic", tmp_path)
    assert report["rendered"] == report["shards"]
    assert report["joined"] >= 8
    assert report["retired"] == 6
    assert (report["lost"], report["failed"]) == (0, 0)
    once = render(SCENE, tmp_path / "once.zarr", executor="local")
    assert_same(Store(tmp_path / "a.zarr"), once)


def test_shards_of_a_slow_worker_are_drawn_by_others(tmp_path: Path) -> None:
    """Each of its own would take 500 seconds; `test_elasticity.py` has the time in numbers."""
    report = run("slow-worker", tmp_path)
    assert report["hedged"] >= 1
    assert report["seconds"] < 400.0
    assert (report["rendered"], report["lost"]) == (report["shards"], 0)
    once = render(SCENE, tmp_path / "once.zarr", executor="local")
    assert_same(Store(tmp_path / "a.zarr"), once)


def test_a_node_offers_the_runs_metrics_to_prometheus(tmp_path: Path) -> None:
    report = run("metrics", tmp_path)
    found = report["metrics"]
    assert found["ray_tilecppn_pixels_total"] == report["pixels"] > 0
    assert found["ray_tilecppn_tasks_total"] == report["shards"]
    assert found["ray_tilecppn_task_seconds_count"] == report["shards"]
    assert found["ray_tilecppn_stage_seconds_count"] == 3 * report["shards"]
    assert found["ray_tilecppn_bytes_total"] > 0
    assert found["ray_tilecppn_tasks_left"] == 0
