"""The files under cluster/, read for the tests."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

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


def groups(kind: str) -> dict[str, dict[str, Any]]:
    """Ray's head and each worker group, by name."""
    cluster = ray_cluster(kind)
    workers = {group["groupName"]: group for group in cluster["workerGroupSpecs"]}
    return {"head": cluster["headGroupSpec"], **workers}


def pod_specs(kind: str = "RayJob") -> dict[str, dict[str, Any]]:
    """The pod specification of Ray's head and of each worker group, by name."""
    return {name: group["template"]["spec"] for name, group in groups(kind).items()}


def start_params(kind: str = "RayJob") -> dict[str, dict[str, str]]:
    """The parameters of `ray start` of Ray's head and of each worker group, by name."""
    return {name: group["rayStartParams"] for name, group in groups(kind).items()}


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
