"""The Ray clusters under cluster/ suit the job: its disks, memory, GPUs and rights."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import PurePosixPath

import pytest

from tests.cluster.manifests import (
    CLUSTERS,
    DOCKERFILE,
    LAUNCHERS,
    MIB,
    RAY_SMALLEST_OBJECT_STORE,
    RAYJOB,
    README,
    ROOT,
    SHARED_DISK,
    USER,
    documents,
    every_launcher,
    in_bytes,
    launcher,
    only,
    pod_specs,
    project,
    ray_cluster,
    start_params,
    tilecppn_commands,
    volume_at,
)


def test_the_job_renders_with_ray_from_the_mounted_scene_into_a_bucket() -> None:
    (words,) = tilecppn_commands(only("RayJob")["spec"]["entrypoint"])
    verb, scene, flag, store, *rest = words
    assert (verb, flag) == ("render", "-o")
    assert rest == ["--executor", "ray", "--address", "auto"]
    head = pod_specs()["head"]
    scene_volume = volume_at(head, str(PurePosixPath(scene).parent))
    config_map = only("ConfigMap")
    assert scene_volume["configMap"]["name"] == config_map["metadata"]["name"]
    assert PurePosixPath(scene).name in config_map["data"]
    assert store.startswith("s3://")


@pytest.mark.parametrize("kind", CLUSTERS)
def test_every_pod_has_the_settings_of_the_bucket(kind: str) -> None:
    secret = {"secretRef": {"name": "tilecppn-bucket"}}
    for spec in pod_specs(kind).values():
        assert [item["envFrom"] for item in spec["containers"]] == [[secret]]
    assert "kubectl create secret generic tilecppn-bucket" in README.read_text(encoding="utf-8")


def test_the_job_is_retried_bounded_and_cleaned_up() -> None:
    spec = only("RayJob")["spec"]
    assert spec["backoffLimit"] >= 1
    assert spec["activeDeadlineSeconds"] >= 3600
    assert spec["shutdownAfterJobFinishes"] is True


def test_the_disk_is_not_deleted_together_with_the_job() -> None:
    assert [item["kind"] for item in documents(SHARED_DISK)] == ["PersistentVolumeClaim"]
    assert {item["kind"] for item in documents(RAYJOB)} == {"ConfigMap", "RayJob"}


def test_several_nodes_with_one_gpu_each_and_no_actor_on_the_head() -> None:
    cluster = only("RayJob")["spec"]["rayClusterSpec"]
    for group in cluster["workerGroupSpecs"]:
        assert group["replicas"] == group["minReplicas"] == group["maxReplicas"] > 1
    for name, spec in pod_specs().items():
        (container,) = spec["containers"]
        gpus = container["resources"]["limits"].get("nvidia.com/gpu")
        assert gpus == (None if name == "head" else "1")
    assert start_params()["head"]["num-cpus"] == "0"


def test_a_gpus_worker_fits_its_pod_with_a_thread_on_every_cpu() -> None:
    from tilecppn.plan import Plan
    from tilecppn.run.estimates import worker_memory
    from tilecppn.run.executors.base import gpu_threads

    largest = Plan(131072, 131072, 3, 4, 512, 4096)  # of float32
    (container,) = pod_specs()["gpu"]["containers"]
    limits = container["resources"]["limits"]
    threads = gpu_threads(int(limits["cpu"]), int(limits["nvidia.com/gpu"]))
    assert threads == int(limits["cpu"]) > 1
    processes = 5 * 2**10 * MIB  # Python, CUDA and Ray, with what /dev/shm holds
    assert worker_memory(largest, threads) + processes < in_bytes(limits["memory"])
    resources = launcher()["available_node_types"]["gpu"]["resources"]
    assert gpu_threads(resources["CPU"], resources["GPU"]) == resources["CPU"]


PODS = [(kind, name) for kind in CLUSTERS for name in pod_specs(kind)]


@pytest.mark.parametrize(("kind", "name"), PODS)
def test_a_pod_has_a_small_object_store_that_fits_its_shared_memory(kind: str, name: str) -> None:
    spec = pod_specs(kind)[name]
    (container,) = spec["containers"]
    shared_memory = volume_at(spec, "/dev/shm")["emptyDir"]
    assert shared_memory["medium"] == "Memory"
    object_store = int(start_params(kind)[name]["object-store-memory"])
    limit = in_bytes(container["resources"]["limits"]["memory"])
    assert RAY_SMALLEST_OBJECT_STORE <= object_store < in_bytes(shared_memory["sizeLimit"]) < limit


@pytest.mark.parametrize(("kind", "name"), PODS)
def test_a_pod_runs_as_the_images_user_with_one_thread(kind: str, name: str) -> None:
    spec = pod_specs(kind)[name]
    (container,) = spec["containers"]
    assert {"name": "OMP_NUM_THREADS", "value": "1"} in container["env"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == USER


def test_the_image_does_not_run_as_root_and_pins_its_threads() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^USER (.*)$", text) == [f"{USER}:{USER}"]
    assert "OMP_NUM_THREADS=1" in text
    # Ray's launcher reads HOME from the image's settings, and starts `bash` in it.
    assert "HOME=/home/tilecppn" in text
    assert not re.search(r"(?m)^ENTRYPOINT", text)


@every_launcher
def test_every_node_of_the_launcher_says_how_it_authenticates(name: str) -> None:
    config = launcher(name)
    assert "--env=RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    assert list(config["file_mounts"]) == ["/home/tilecppn/.ray/auth_token"]


def test_the_launchers_workers_have_access_to_the_bucket() -> None:
    aws, gcp = (launcher(name)["available_node_types"]["gpu"]["node_config"] for name in LAUNCHERS)
    assert aws["IamInstanceProfile"]["Name"]
    (account,) = gcp["serviceAccounts"]
    assert account["scopes"] == ["https://www.googleapis.com/auth/devstorage.read_write"]


@every_launcher
def test_the_launcher_starts_several_gpu_workers_and_installs_no_other_ray(name: str) -> None:
    config = launcher(name)
    types = config["available_node_types"]
    workers = {name: kind for name, kind in types.items() if name != config["head_node_type"]}
    assert sum(kind["min_workers"] for kind in workers.values()) == config["max_workers"] > 1
    assert all(kind["resources"]["GPU"] >= 1 for kind in workers.values())
    assert types[config["head_node_type"]]["resources"] == {"CPU": 0}
    assert config["setup_commands"] == config["worker_setup_commands"] == []
    for side in ("head", "worker"):
        _, start = config[f"{side}_start_ray_commands"]
        (size,) = re.findall(r"--object-store-memory=(\d+)", start)
        assert RAY_SMALLEST_OBJECT_STORE <= int(size) < 512 * MIB
    assert "--shm-size=512m" in config["docker"]["run_options"]


def test_the_cluster_that_stays_grows_from_no_pod_and_shrinks_again() -> None:
    cluster = ray_cluster("RayCluster")
    assert cluster["enableInTreeAutoscaling"] is True
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] == 0 < group["maxReplicas"]
    assert start_params("RayCluster")["head"]["num-cpus"] == "0"


@pytest.mark.parametrize("extras", ["ray,serve,cloud,torch", "ray,serve,cloud"])
def test_an_image_has_what_its_extras_need(extras: str) -> None:
    # The second `pip install` is without an index: it fails where the first lacks something.
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    (program,) = re.findall(r"RUN python -c '([^']*)' \"\$EXTRAS\"", text)
    done = subprocess.run(
        [sys.executable, "-c", program, extras], cwd=ROOT, capture_output=True, check=True
    )
    table = project()
    needed = [need for name in extras.split(",") for need in table["optional-dependencies"][name]]
    assert done.stdout.decode().split("\n")[:-1] == [*table["dependencies"], *needed]
    assert any(need.startswith("torch") for need in needed) == ("torch" in extras)
    assert f"EXTRAS={extras}" in text
    assert "[$EXTRAS]" in text
