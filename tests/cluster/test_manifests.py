"""The files under cluster/: valid for the programs that read them, and in step with the package.

Nothing here needs a network, Docker or a cluster.
"""

from __future__ import annotations

import copy
import json
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.commands import accepts

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "cluster"
RAYJOB = CLUSTER / "kuberay" / "rayjob.yaml"
RAYCLUSTER = CLUSTER / "kuberay" / "raycluster.yaml"
SHARED_DISK = CLUSTER / "kuberay" / "shared-disk.yaml"
LAUNCHERS = {name: CLUSTER / f"{name}.yaml" for name in ("aws", "gcp")}
SLURM = CLUSTER / "slurm.sbatch"
DOCKERFILE = CLUSTER / "Dockerfile"
README = CLUSTER / "README.md"
YAML_FILES = sorted(CLUSTER.rglob("*.yaml"))
TEXT_FILES = [DOCKERFILE, README, SLURM, *YAML_FILES]

SCHEMA = Path(__file__).with_name("manifests.schema.json")
YAMLLINT = "{extends: default, rules: {line-length: {max: 100}}}"

MIB = 2**20
RAY_SMALLEST_OBJECT_STORE = 75 * MIB
USER = 1000


def identity(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def kubernetes_objects() -> list[dict[str, Any]]:
    return documents(SHARED_DISK) + documents(RAYJOB) + documents(RAYCLUSTER)


def only(kind: str) -> dict[str, Any]:
    (found,) = (item for item in kubernetes_objects() if item["kind"] == kind)
    return found


def launcher(name: str = "aws") -> dict[str, Any]:
    (config,) = documents(LAUNCHERS[name])
    return config


every_launcher = pytest.mark.parametrize("name", LAUNCHERS)
CLUSTERS = ("RayJob", "RayCluster")


def ray_cluster(kind: str) -> dict[str, Any]:
    """The Ray cluster of a job, or the one that stays."""
    spec = only(kind)["spec"]
    cluster = spec["rayClusterSpec"] if kind == "RayJob" else spec
    assert isinstance(cluster, dict)
    return cluster


def schema_errors(item: dict[str, Any]) -> list[str]:
    """What our schema has against a Kubernetes object: one `path: message` each."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema | {"$ref": f"#/$defs/{item['kind']}"})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(item)]


def pod_specs(kind: str = "RayJob") -> dict[str, dict[str, Any]]:
    """The pod specification of Ray's head and of each worker group, by name."""
    cluster = ray_cluster(kind)
    workers = {group["groupName"]: group for group in cluster["workerGroupSpecs"]}
    groups = {"head": cluster["headGroupSpec"]} | workers
    return {name: group["template"]["spec"] for name, group in groups.items()}


def start_params(kind: str = "RayJob") -> dict[str, dict[str, str]]:
    """The parameters of `ray start` of Ray's head and of each worker group, by name."""
    cluster = ray_cluster(kind)
    workers = {group["groupName"]: group for group in cluster["workerGroupSpecs"]}
    groups = {"head": cluster["headGroupSpec"]} | workers
    return {name: group["rayStartParams"] for name, group in groups.items()}


def volume_at(spec: dict[str, Any], path: str) -> dict[str, Any]:
    """The volume that a pod's one container mounts at `path`."""
    (container,) = spec["containers"]
    (mount,) = (item for item in container["volumeMounts"] if item["mountPath"] == path)
    (volume,) = (item for item in spec["volumes"] if item["name"] == mount["name"])
    assert isinstance(volume, dict)
    return volume


def in_bytes(amount: str) -> int:
    units = {"Mi": MIB, "Gi": 2**10 * MIB, "Ti": 2**20 * MIB}
    return int(amount[:-2]) * units[amount[-2:]]


def pinned_ray() -> str:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"(?m)^ray==(\S+)$", text)
    assert isinstance(version, str)
    return version


def project() -> dict[str, Any]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert isinstance(table, dict)
    return table


def tilecppn_commands(text: str) -> list[list[str]]:
    """Every `tilecppn VERB …` in a shell text, split into words, without `tilecppn`."""
    joined = text.replace("\\\n", " ")
    found = re.findall(r"(?<![\w/.:-])tilecppn ([a-z][^\n'\"|;&#)]*)", joined)
    return [shlex.split(words) for words in found]


def documented_commands() -> list[list[str]]:
    """The job of the RayJob manifest and every `tilecppn` command in the README's code."""
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```$", README.read_text(encoding="utf-8"))
    texts = [only("RayJob")["spec"]["entrypoint"], *blocks]
    return [command for text in texts for command in tilecppn_commands(text)]


# Written right


def complaints(*command: str | Path) -> str:
    """What a linter prints, with a line of its own where it fails silently."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return said or ("" if done.returncode == 0 else f"exit code {done.returncode}")


def test_yamllint_has_nothing_to_say() -> None:
    assert len(YAML_FILES) >= 3
    assert (
        complaints(sys.executable, "-m", "yamllint", "--strict", "-d", YAMLLINT, *YAML_FILES) == ""
    )


def test_shellcheck_has_nothing_to_say() -> None:
    assert complaints(Path(sysconfig.get_path("scripts"), "shellcheck"), SLURM) == ""


def test_hadolint_has_nothing_to_say() -> None:
    assert complaints(Path(sysconfig.get_path("scripts"), "hadolint"), DOCKERFILE) == ""


@pytest.mark.parametrize("item", kubernetes_objects(), ids=lambda item: str(item["kind"]))
def test_kubernetes_objects_match_the_schema(item: dict[str, Any]) -> None:
    assert schema_errors(item) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "backOffLimit"), 3),
        (("spec", "backoffLimit"), "3"),
        (("spec", "rayClusterSpec", "authOptions", "mode"), "tokens"),
        (("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "volume"), []),
        (("metadata", "name"), "a" * 48),
    ],
)
def test_the_schema_refuses_what_kuberay_would_refuse(path: tuple[str, ...], value: object) -> None:
    job = copy.deepcopy(only("RayJob"))
    table = job
    for key in path[:-1]:
        table = table[key]
    table[path[-1]] = value
    assert len(schema_errors(job)) == 1


@every_launcher
def test_ray_accepts_the_launcher_configuration(name: str) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(launcher(name)))


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    copied = re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", DOCKERFILE.read_text(encoding="utf-8"))
    sources = {source for line in copied for source in line.split()}
    assert sources == {pattern for pattern in kept if (ROOT / pattern).exists()} == set(kept)


def test_the_image_has_what_the_package_build_reads() -> None:
    table = project()
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    readme = table["readme"]
    licences = table.get("license-files", ["LICENSE"])
    needed = [readme if isinstance(readme, str) else readme["file"], *licences]
    for pattern in needed:
        assert any(fnmatch(line.removeprefix("!"), pattern) for line in kept), pattern


# In step with the package


@pytest.mark.parametrize("path", TEXT_FILES, ids=identity)
def test_no_file_names_another_ray_version(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"(?i)\bray(?:version)?(?:\[\w+\])?[\s=:\"']+(\d+\.\d+\.\d+)", text)
    assert set(named) <= {pinned_ray()}


def test_the_manifest_and_the_readme_name_the_ray_version() -> None:
    assert {ray_cluster(kind)["rayVersion"] for kind in CLUSTERS} == {pinned_ray()}
    assert f"ray[default]=={pinned_ray()}" in README.read_text(encoding="utf-8")


def test_the_image_has_rays_dashboard() -> None:
    # `ray job` and KubeRay's health checks go through the dashboard, which is an extra of Ray's.
    needs = map(Requirement, project()["optional-dependencies"]["ray"])
    assert any(need.name == "ray" and "default" in need.extras for need in needs)


def test_the_image_is_installed_under_the_constraints() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    installs = re.findall(r"pip install .*", text)
    assert installs
    assert all("-c /opt/tilecppn/constraints.txt" in line for line in installs)


def test_the_base_image_runs_the_package() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    bases = set(re.findall(r"(?m)^FROM (\S+)", text))
    assert len(bases) == 1
    (version,) = re.findall(r"python:(\d+\.\d+)", bases.pop())
    assert version in SpecifierSet(project()["requires-python"])


def test_every_node_runs_the_same_image() -> None:
    specs = [spec for kind in CLUSTERS for spec in pod_specs(kind).values()]
    images = {spec["containers"][0]["image"] for spec in specs}
    assert images == {launcher(name)["docker"]["image"] for name in LAUNCHERS}


def test_there_are_commands_to_check() -> None:
    verbs = [command[0] for command in documented_commands()]
    assert verbs.count("render") >= 2
    assert tilecppn_commands("x 'tilecppn render a.toml \\\n  -o b.zarr' && y/tilecppn plan") == [
        ["render", "a.toml", "-o", "b.zarr"]
    ]


@pytest.mark.parametrize("words", documented_commands(), ids=" ".join)
def test_the_commands_are_ones_that_the_program_knows(words: list[str]) -> None:
    accepts(words)


def test_the_scene_is_one_that_the_program_reads(tmp_path: Path) -> None:
    from tilecppn import Scene

    for name, text in only("ConfigMap")["data"].items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        Scene.load(path)


# Right for the job


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
    from tilecppn.run.executors import gpu_threads

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
def test_an_image_has_what_its_extras_need(extras: str, tmp_path: Path) -> None:
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
