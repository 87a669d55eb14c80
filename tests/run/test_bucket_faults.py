"""Renders into a bucket whose server, network, coordinator or lease fails: every byte is right."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.buckets import Server
from tests.cli.test_buckets import GROUP, files, objects
from tests.conftest import SMALL_NET, Run
from tests.faulty_proxy import FaultyProxy
from tilecppn.addresses import BucketPath
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage import client
from tilecppn.storage.bucket import Bucket
from tilecppn.storage.store import Store

SCENE = Scene.of(
    cppn=SMALL_NET,
    canvas={"width": 1000, "height": 900},
    output={"tile": 64, "shard": 128, "tolerance": 0},
)

# SECONDS ARGUMENTS …: a render with a short lease, whose shards take so many seconds more.
RENDER = """
import sys, time
from tilecppn.cli import main
from tilecppn.run.render_job import RenderRunner
from tilecppn.storage import lease
lease.LEASE, lease.POLL = 3.0, 0.2
seconds, run = float(sys.argv.pop(1)), RenderRunner.run
RenderRunner.run = lambda *given: (time.sleep(seconds), run(*given))[1]
main(sys.argv[1:])
"""

pytestmark = pytest.mark.slow
on_two = pytest.mark.parametrize("bucket", ["seaweedfs", "google"], indirect=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the scene's store on a disk."""
    path = tmp_path_factory.mktemp("undisturbed") / "a.zarr"
    render(SCENE, path, executor="local")
    return files(path)


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """That of the bucket."""
    return servers(request.node.callspec.params["bucket"])


def assert_same(path: BucketPath, undisturbed: dict[str, bytes]) -> None:
    """The store is whole, and the scene's to the byte."""
    found = objects(path)
    assert {name for name in undisturbed if undisturbed[name] != found.get(name)} <= GROUP
    assert Store(path).is_whole()


def begin(
    scene: Path,
    path: BucketPath,
    *options: str,
    slow: float = 0.0,
    more: Mapping[str, str] = MappingProxyType({}),
) -> "subprocess.Popen[bytes]":
    """Begin to render. slow: seconds that each shard takes longer. more: of its environment."""
    return subprocess.Popen(
        [sys.executable, "-c", RENDER, f"{slow}", "render", scene, "-o", str(path), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "RAY_ADDRESS": "", "CUDA_VISIBLE_DEVICES": "", **more},
    )


def end(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process; returns its exit code. Shows what it said where a test fails."""
    _, errors = process.communicate()
    print(errors.decode())
    return process.returncode


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    SCENE.save(tmp_path / "a.toml")
    return tmp_path / "a.toml"


def shards(path: BucketPath) -> int:
    return sum("/c/0/" in name for name, _ in Bucket(path).objects())


def wait_for_shards(process: "subprocess.Popen[bytes]", path: BucketPath, count: int) -> None:
    while shards(path) < count and process.poll() is None:
        time.sleep(0.02)


@on_two
def test_a_killed_render_is_resumed(
    scene: Path, bucket: BucketPath, undisturbed: dict[str, bytes]
) -> None:
    path = bucket / "a.zarr"
    for count in (0, 5, 20, 50, 70):
        process = begin(scene, path)
        wait_for_shards(process, path, count)
        process.kill()
        end(process)
    assert end(begin(scene, path)) == 0
    assert_same(path, undisturbed)


@pytest.mark.parametrize("bucket", ["seaweedfs"], indirect=True)
def test_a_server_that_is_restarted_is_waited_for(
    scene: Path,
    bucket: BucketPath,
    s3_server: Server,
    undisturbed: dict[str, bytes],
) -> None:
    path = bucket / "a.zarr"
    process = begin(scene, path)
    wait_for_shards(process, path, 10)
    s3_server.restart()
    assert end(process) == 0
    assert_same(path, undisturbed)


@on_two
@pytest.mark.parametrize("seed", [1, 2])
def test_errors_and_lost_answers_of_the_server_do_no_harm(
    seed: int,
    scene: Path,
    bucket: BucketPath,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, bytes],
) -> None:
    proxy, path = FaultyProxy(server.port, 0.15, seed), bucket / "a.zarr"
    for name, value in server.environment_at(proxy.port).items():
        monkeypatch.setenv(name, value)
    code = end(begin(scene, path))
    proxy.stop()
    assert code == 0
    assert proxy.made.total() > 20
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    client._client.cache_clear()
    assert_same(path, undisturbed)


@on_two
def test_ray_actors_write_into_a_bucket(
    scene: Path,
    bucket: BucketPath,
    tilecppn: Run,
    undisturbed: dict[str, bytes],
) -> None:
    path = bucket / "a.zarr"
    done = tilecppn("render", scene, "-o", path, "--executor", "ray", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert_same(path, undisturbed)
