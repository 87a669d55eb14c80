"""What fits is let through, what does not is refused with a number that would."""

import itertools
import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tilecppn import machine
from tilecppn.errors import PlanError, RenderError
from tilecppn.formatting import format_bytes
from tilecppn.kernels import EvaluationContext, create
from tilecppn.plan import Plan
from tilecppn.run.estimates import (
    BASE,
    COPIES,
    check_disk,
    check_fits,
    measure,
    worker_memory,
)
from tilecppn.scene.scene import Scene
from tilecppn.storage.objects import FreeSpace

LAWS = settings(max_examples=300)

GB = 10**9
MB = 10**6


def plan_of(shard: int = 4096, tile: int = 512, side: int = 100_000, itemsize: int = 1) -> Plan:
    return Plan(side, side, 3, itemsize, tile, shard)


def refusal(plan: Plan, workers: int, available: int) -> str:
    with pytest.raises(PlanError) as caught:
        check_fits(plan, workers, available)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def test_a_worker_needs_its_shard_a_few_times() -> None:
    small, large = (worker_memory(plan_of(shard)) for shard in (4096, 8192))
    assert large - small == COPIES * 3 * (8192**2 - 4096**2)
    assert small > COPIES * 3 * 4096**2


def test_memory_does_not_grow_with_the_canvas() -> None:
    assert worker_memory(plan_of(side=10**4)) == worker_memory(plan_of(side=2**31 - 1))


def test_what_fits_is_let_through() -> None:
    plan = plan_of()
    check_fits(plan, 2, 2 * worker_memory(plan) + BASE)
    check_fits(plan, 16, 1000 * GB)


def test_a_byte_less_than_needed_is_refused() -> None:
    plan = plan_of()
    refusal(plan, 2, 2 * worker_memory(plan) + BASE - 1)
    refusal(plan, 1, 0)


def test_refusal_names_what_is_needed_and_what_there_is() -> None:
    plan = plan_of(shard=65536)
    message = refusal(plan, 4, 8 * GB)
    assert f"needs {format_bytes(worker_memory(plan))} a worker" in message
    assert f"{format_bytes((8 * GB - BASE) // 4)} available for each of 4" in message
    assert "set output.shard to 8192" in message


@LAWS
@given(
    tile=st.integers(6, 12),
    times=st.integers(1, 8),
    itemsize=st.sampled_from([1, 2, 4]),
    workers=st.integers(1, 64),
    available=st.one_of(st.integers(0, 20 * GB), st.integers(300 * MB, 600 * MB)),
)
@example(tile=9, times=3, itemsize=1, workers=1, available=BASE + 30 * MB)
@example(tile=12, times=2, itemsize=4, workers=1, available=BASE + 604 * MB)
def test_a_refusal_names_the_largest_shard_that_fits(
    tile: int, times: int, itemsize: int, workers: int, available: int
) -> None:
    plans = [plan_of(2 ** (tile + k), 2**tile, 2**30, itemsize) for k in range(times + 1)]
    fitting = [p for p in plans if workers * worker_memory(p) <= available - BASE]
    for plan in fitting:
        check_fits(plan, workers, available)
    if fitting == plans:
        return
    message = refusal(plans[-1], workers, available)
    if fitting:
        assert f"set output.shard to {fitting[-1].shard}" in message
    else:
        assert "use fewer workers or a machine with more memory" in message


def test_an_unknown_amount_of_memory_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    check_fits(plan_of(shard=2**20), 1000)


def test_the_machine_is_asked_when_no_amount_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: BASE + 300 * MB)
    check_fits(plan_of(), 1)
    with pytest.raises(PlanError):
        check_fits(plan_of(), 2)


def test_rate_is_positive_for_any_canvas() -> None:
    for canvas in ({"width": 1, "height": 1}, {"width": 2**31 - 1, "height": 5}):
        scene = Scene.of(cppn={"width": 2, "depth": 1}, canvas=canvas)
        assert measure(create("auto", EvaluationContext.of(scene)), scene).rate > 0


@pytest.mark.parametrize(
    ("device", "threads", "gpus", "windows"),
    [
        ("cpu", 1, 1, 3 / 7),
        ("cpu", 6, 1, 18 / 7),
        ("NVIDIA H100", 1, 1, 3 / 7),
        ("NVIDIA H100", 2, 1, 6 / 7),
        ("NVIDIA H100", 16, 1, 1),
        ("NVIDIA H100", 4, 2, 12 / 7),
        ("NVIDIA H100", 16, 2, 2),
    ],
)
def test_threads_draw_faster_on_a_cpu_and_only_store_faster_beside_a_gpu(
    device: str, threads: int, gpus: int, windows: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that gives a second to each window, and one to storing it, a third more above."""
    scene = Scene.of(cppn={"width": 2, "depth": 1}, canvas={"width": 64, "height": 64})
    kernel = create("reference", EvaluationContext.of(scene))
    monkeypatch.setattr(kernel, "arithmetic", kernel.arithmetic._replace(device=device))
    monkeypatch.setattr("time.perf_counter", itertools.count().__next__)
    assert measure(kernel, scene, threads, gpus).rate == pytest.approx(64 * 64 * windows)


def test_a_measurement_can_be_cancelled() -> None:
    def stop() -> None:
        raise RenderError("stop")

    scene = Scene.of(cppn={"width": 2, "depth": 1}, canvas={"width": 64, "height": 64})
    kernel = create("reference", EvaluationContext.of(scene))
    with pytest.raises(RenderError, match="stop"):
        measure(kernel, scene, check_cancelled=stop)


def test_a_store_that_no_compression_makes_fit_is_refused_with_a_canvas_that_would(
    tmp_path: Path,
) -> None:
    def plan(side: int) -> Plan:
        return Plan(side, side, 3, 1, 512, 4096)

    with pytest.raises(PlanError, match="at most") as caught:
        check_disk(plan(2**31 - 1), tmp_path / "not" / "there" / "a.zarr")
    found = re.search(r"canvas of at most (\d+) ×", str(caught.value))
    assert found is not None
    check_disk(plan(int(0.99 * int(found[1]))), tmp_path / "a.zarr")
    check_disk(plan(1024), tmp_path / "a.zarr")


@pytest.mark.parametrize("shard", [64, 4096])
@pytest.mark.parametrize(("space", "files"), [(10**12, 10**6), (10**9, math.inf)])
def test_each_shard_takes_a_file_and_a_block(
    shard: int, space: int, files: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = FreeSpace(Path("/disk"), space, files, block=4096)
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: free)
    with pytest.raises(PlanError) as caught:
        check_disk(plan_of(shard, 64, 2**31 - 1), Path("a.zarr"))
    missing = "1.0 GB free at /disk" if math.isinf(files) else "1,000,000 files free at /disk"
    assert missing in str(caught.value)
    side = int(re.search(r"canvas of at most (\d+) ×", str(caught.value))[1])  # type: ignore[index]
    fitting = plan_of(shard, 64, int(0.99 * side))
    check_disk(fitting, Path("a.zarr"))
    assert free.taken(fitting.shards, 0) <= space
    with pytest.raises(PlanError):
        check_disk(plan_of(shard, 64, int(1.01 * side)), Path("a.zarr"))


def test_the_last_block_of_a_file_is_half_empty() -> None:
    space = FreeSpace(Path("/disk"), 1e9, block=4096)
    assert space.taken(10, 10 * 100) == 10 * 4096
    assert space.taken(10, 10 * 100_000) == 10 * 102_048
    assert FreeSpace(Path("bucket"), math.inf).taken(10, 1000) == pytest.approx(1000, rel=0.01)
