"""Renders into a bucket whose machine's clock jumps while they hold the lease."""

import subprocess
from pathlib import Path

import pytest

from tests import wrong_clock
from tests.cli.test_buckets import GROUP, files, objects
from tests.run.test_bucket_faults import SCENE, begin, end, wait_for_shards
from tilecppn.addresses import BucketPath
from tilecppn.run.render import render
from tilecppn.storage.store import Store

OTHER = SCENE.replace(latent={"seed": 5})

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("bucket", ["seaweedfs"], indirect=True),
]


@pytest.fixture
def scenes(tmp_path: Path) -> dict[str, Path]:
    if wrong_clock.library() is None:
        pytest.skip("needs Linux and a C compiler")
    for name, scene in (("a", SCENE), ("b", OTHER)):
        scene.save(tmp_path / f"{name}.toml")
    return {name: tmp_path / f"{name}.toml" for name in "ab"}


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    return tmp_path / "clock"


def begin_and_jump(
    scene: Path, path: BucketPath, clock: Path, seconds: int
) -> "subprocess.Popen[bytes]":
    """A render whose clock jumps once it has drawn some shards."""
    process = begin(scene, path, more=wrong_clock.environment(clock), slow=0.1)
    wait_for_shards(process, path, 10)
    assert process.poll() is None
    wrong_clock.jump(clock, seconds)
    return process


def assert_is(path: BucketPath, folder: Path, name: str) -> None:
    """The store is whole, and that of a.toml or b.toml to the byte."""
    scene = {"a": SCENE, "b": OTHER}[name]
    render(scene, folder / path.name, executor="local")
    expected, found = files(folder / path.name), objects(path)
    assert {name for name in expected if expected[name] != found.get(name)} <= GROUP
    assert Store(path).scene == scene


@pytest.mark.parametrize("seconds", [600, -600])
def test_who_can_still_write_keeps_the_lease(
    seconds: int, scenes: dict[str, Path], clock: Path, bucket: BucketPath, tmp_path: Path
) -> None:
    path = bucket / "a.zarr"
    first = begin_and_jump(scenes["a"], path, clock, seconds)
    assert end(begin(scenes["b"], path, "--overwrite")) == 2  # in use
    assert end(first) == 0
    assert_is(path, tmp_path, "a")


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_whose_requests_are_refused_is_overtaken_and_ends(
    seconds: int, scenes: dict[str, Path], clock: Path, bucket: BucketPath, tmp_path: Path
) -> None:
    """S3 answers no request that is signed for another time than its own."""
    path = bucket / "a.zarr"
    first = begin_and_jump(scenes["a"], path, clock, seconds)
    assert end(begin(scenes["b"], path, "--overwrite")) == 0
    assert first.poll() is None
    wrong_clock.jump(clock, 0)
    assert end(first) in (1, 2)  # it lost the lease, or sees another store
    assert_is(path, tmp_path, "b")


def test_a_clock_that_is_set_right_costs_no_shard(
    scenes: dict[str, Path], clock: Path, bucket: BucketPath, tmp_path: Path
) -> None:
    """As on a machine that was suspended, until it asks for the time."""
    path = bucket / "a.zarr"
    first = begin_and_jump(scenes["a"], path, clock, -7200)
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(2.0)
    wrong_clock.jump(clock, 0)
    assert end(first) == 0
    assert_is(path, tmp_path, "a")


def test_a_clock_that_is_wrong_from_the_start_is_named(
    scenes: dict[str, Path], clock: Path, bucket: BucketPath
) -> None:
    wrong_clock.jump(clock, 7200)
    process = begin(scenes["a"], bucket / "a.zarr", more=wrong_clock.environment(clock))
    _, errors = process.communicate()
    assert process.returncode == 1
    assert b"this machine's clock" in errors
