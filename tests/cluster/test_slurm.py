"""`slurm.sbatch` on one node, with stand-ins for Slurm's programs."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.buckets import free_ports
from tests.cluster.manifests import ROOT, SLURM
from tests.stores import plain_scene
from tilecppn.storage.store import Store

SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a job on this machine alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"srun": SRUN, "scontrol": "#!/bin/bash\necho 127.0.0.1\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (port,) = free_ports(1)
    return {
        **os.environ,
        "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "SLURM_JOB_NODELIST": "here",
        "SLURM_JOB_ID": str((port - 20000) % 20000),
        "SLURM_CPUS_PER_TASK": "1",
    }


def test_without_scene_and_store_it_says_what_it_takes(environment: dict[str, str]) -> None:
    command = ["bash", str(SLURM), "a.toml"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "SCENE STORE" in done.stderr


@pytest.mark.slow
def test_it_renders_on_a_ray_of_its_own_and_ends_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    scene = plain_scene(300, 200, tile=64, shard=128)
    (tmp_path / "a.toml").write_text(scene.to_toml())
    with (tmp_path / "log").open("wb") as log:  # no pipe, which Ray's processes would keep open
        process = subprocess.Popen(
            ["bash", str(SLURM), "a.toml", "a.zarr", "--json"],
            cwd=tmp_path,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            assert process.wait(240) == 0, (tmp_path / "log").read_text()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert Store(tmp_path / "a.zarr").is_whole()
