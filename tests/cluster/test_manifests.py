"""The files under cluster/: valid for the programs that read them, and in step with the package.

Nothing here needs a network, Docker or a cluster.
"""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.cluster.manifests import (
    CLUSTERS,
    DOCKERFILE,
    LAUNCHERS,
    README,
    ROOT,
    SLURM,
    TEXT_FILES,
    YAML_FILES,
    YAMLLINT,
    documented_commands,
    every_launcher,
    identity,
    kubernetes_objects,
    launcher,
    only,
    pinned_ray,
    pod_specs,
    project,
    ray_cluster,
    schema_errors,
    tilecppn_commands,
)
from tests.commands import accepts

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
