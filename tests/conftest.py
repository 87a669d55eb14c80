"""What tests share: small scenes, a finished store, the command line as a process, one Ray."""

import gc
import logging
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import settings

from tests.buckets import BUCKET, SERVERS, Server
from tilecppn import kernels, machine
from tilecppn.addresses import BucketPath, as_path
from tilecppn.errors import InvalidRequestError
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage import client
from tilecppn.storage.store import Store

# Cheap to evaluate, and not flat anywhere.
SMALL_NET: dict[str, Any] = {"seed": 3, "width": 8, "depth": 2}

if not machine.has_cuda():
    # The Triton kernel then runs in Triton's interpreter, if this is said before it is imported.
    os.environ.setdefault("TRITON_INTERPRET", "1")

# Every property test has this profile; one that needs more or fewer examples says how many.
settings.register_profile("tilecppn", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("tilecppn")


@pytest.hookimpl(tryfirst=True)  # before pytest takes the slow ones out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The kernel wgpu is slow in the suites of all kernels: software compiles each program."""
    for item in items:
        if _draws_with_wgpu(item):
            item.add_marker(pytest.mark.slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if _draws_with_wgpu(item):
        require_wgpu()


def _draws_with_wgpu(item: pytest.Item) -> bool:
    found = getattr(item, "callspec", None)
    values = found.params.values() if found else ()
    return any(isinstance(value, str) and value.startswith("wgpu") for value in values)


def require_wgpu() -> None:
    """Skip where wgpu has no adapter, not even software, but fail in CI."""
    try:
        kernels.require("wgpu", "exact")
    except InvalidRequestError as error:
        if os.environ.get("CI"):
            pytest.fail(f"{error}; in CI: apt-get install mesa-vulkan-drivers")
        pytest.skip(str(error))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[[str], Any]]:
    """launch(flags): the machine's own Chromium, headless; skips where none is, but not in CI.

    Playwright's own loop runs but once in a process.
    """
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs Chromium: apt-get install chromium")
        pytest.skip("no Chromium on PATH")
    quiet = "--no-sandbox --no-first-run --disable-background-networking --disable-sync"
    plain = "--disable-component-update --force-color-profile=srgb"
    with sync_playwright() as playwright:
        yield lambda flags: playwright.chromium.launch(
            executable_path=found, args=f"{quiet} {plain} {flags}".split()
        )


@pytest.fixture(scope="session", autouse=True)
def code_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Machine code that one process of this run compiles is found by all of them, and by no other.

    Nor does a test wait for the disk: no power is cut here. A process that it starts does.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setattr("os.fsync", os.fstat)  # which fails likewise if a descriptor is closed
        yield


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, of a user without a home: no HOME, no entry in passwd."""
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def in_a_minute() -> Iterator[None]:
    """Fails a test that waits for ever."""

    def fail(number: int, frame: FrameType | None) -> None:
        pytest.fail("this took more than a minute")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def small_scene() -> Scene:
    """700 × 501 RGB in tiles of 64 and shards of 256: odd sizes, several levels and shards."""
    return Scene.of(
        cppn=SMALL_NET,
        canvas={"width": 700, "height": 501},
        output={"tile": 64, "shard": 256},
    )


@pytest.fixture(scope="session")
def small_store(small_scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """`small_scene` rendered; read only."""
    return render(small_scene, tmp_path_factory.mktemp("store") / "small.zarr", executor="local")


@pytest.fixture
def tilecppn(tmp_path: Path) -> Run:
    """Runs the command line in an empty folder: tilecppn("render", "a.toml", …)."""

    def run(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
        options.setdefault("cwd", tmp_path)
        return subprocess.run(
            [sys.executable, "-m", "tilecppn", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, **options.pop("env", {})},
            **options,
        )

    return run


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Gives a server of object stores by its name."""
    running: dict[str, Server] = {}

    def server(name: str) -> Server:
        if SERVERS[name].program() is None:
            pytest.skip(f"needs {name}; tests/buckets.py says where from")
        if name not in running:
            running[name] = SERVERS[name](tmp_path_factory.mktemp(name))
        return running[name]

    yield server
    for one in running.values():
        one.stop()


@pytest.fixture
def s3_server(servers: Callable[[str], Server]) -> Server:
    """A real S3 server with a bucket."""
    return servers("seaweedfs")


@pytest.fixture
def fresh_bucket(
    servers: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], BucketPath]]:
    """Gives a fresh prefix in a bucket of a server, by its name; the environment leads to it."""

    def fresh(name: str) -> BucketPath:
        server = servers(name)
        for variable, value in server.environment.items():
            monkeypatch.setenv(variable, value)
        client._client.cache_clear()
        path = as_path(f"{server.scheme}://{BUCKET}/{uuid.uuid4().hex}")
        assert isinstance(path, BucketPath)
        return path

    yield fresh
    client._client.cache_clear()


@pytest.fixture(
    params=[
        "seaweedfs",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("moto", "azurite", "google")),
    ]
)
def bucket(request: pytest.FixtureRequest, fresh_bucket: Callable[[str], BucketPath]) -> BucketPath:
    """A fresh prefix in a bucket of each server."""
    return fresh_bucket(request.param)


@pytest.fixture(scope="session")
def ray_here() -> Iterator[None]:
    """Ray on this machine, for two actors of three threads; an executor made meanwhile uses it."""
    import ray

    os.environ["RAY_AUTH_MODE"] = "disabled"  # else Ray writes a token into the home folder
    ray.init(
        address="local",
        num_cpus=6,
        object_store_memory=100 * 2**20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is collected stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
