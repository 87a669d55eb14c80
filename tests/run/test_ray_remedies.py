"""Nodes and machines on which Ray does not work at once: what is wrong, and what to do."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import ray
from ray.exceptions import RayError

from tests.conftest import SMALL_NET
from tests.run.jobs import Toy
from tests.run.test_executors import once_not
from tilecppn.errors import InvalidRequestError
from tilecppn.run.executors import EXECUTORS
from tilecppn.run.executors.ray import RayExecutor, _Actor, _cause
from tilecppn.run.jobs import TaskFailed
from tilecppn.run.options import RunOptions
from tilecppn.scene.scene import Scene
from tilecppn.version import VERSION


def test_a_node_with_another_version_says_which() -> None:
    """In a thread, since an actor takes the main thread's SIGTERM."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(_Actor(Toy(), 1).open("0.0.9")))
    thread.start()
    thread.join()
    (answer,) = found
    assert isinstance(answer, TaskFailed)
    assert VERSION in answer.reason
    assert "install version 0.0.9 on every node" in answer.reason


def test_a_node_without_tilecppn_is_told_what_to_install() -> None:
    died = RayError("The actor died\nModuleNotFoundError: No module named 'tilecppn'")
    assert f"install version {VERSION} on every node" in _cause(died)
    assert "install" not in _cause(RayError("The actor died\nModuleNotFoundError: No module 'a'"))


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (
            OSError(
                "validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /x"
            ),
            "set RAY_TMPDIR to a",
        ),
        (PermissionError(13, "Permission denied", "/tmp/ray/session"), "set RAY_TMPDIR to a"),
        (PermissionError(13, "Permission denied", "/usr/bin/python"), r"'/usr/bin/python'$"),
        (Exception("The current node timed out during startup. This could"), "machine is busy"),
        (Exception("odd"), "no Ray at this machine: odd"),
    ],
)
def test_a_ray_that_cannot_start_is_told_with_a_remedy(
    error: Exception, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**options: object) -> None:
        raise error

    monkeypatch.setattr(ray, "is_initialized", once_not())
    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(InvalidRequestError, match=remedy) as refused:
        RayExecutor(Toy(), 1)
    assert "\n" not in str(refused.value)


def test_uv_sends_no_working_folder_to_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ray does under `uv run`, and fails with a folder of more than 512 MiB."""
    for name in ("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "RAY_ADDRESS"):
        monkeypatch.setenv(name, "")  # so that it is as before in the end
        monkeypatch.delenv(name)
    monkeypatch.setattr("tilecppn.run.executors.ray.RayExecutor", lambda *args, **options: None)
    EXECUTORS["ray"](Toy(), RunOptions("ray"))
    assert os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a.toml."""
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 40, "height": 30})
    (tmp_path / "a.toml").write_text(scene.to_toml())
    return tmp_path


RENDER = ["-m", "tilecppn", "render", "a.toml", "-o", "a.zarr", "--executor", "ray"]


@pytest.mark.slow
def test_a_long_tmpdir_by_a_real_ray(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, *RENDER, "--workers", "1"],
        cwd=folder,
        env={**os.environ, "RAY_TMPDIR": str(folder / ("x" * 90))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "RAY_TMPDIR" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_under_uv_run_the_working_folder_stays_where_it_is(folder: Path) -> None:
    """Ray takes for uv whatever is called so, and refuses to send more than 512 MiB."""
    (folder / "uv").symlink_to(sys.executable)
    (folder / "run").write_text(
        "import subprocess, sys\n"
        f"sys.exit(subprocess.call([{sys.executable!r}, *{RENDER!r}, '--workers', '1']))\n"
    )
    with (folder / "large.bin").open("wb") as file:
        file.truncate(600 << 20)
    done = subprocess.run(
        ["./uv", "run"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
