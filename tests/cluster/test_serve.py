"""The tile server on Ray Serve: two replicas answer as one server, and the manifest starts it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.buckets import free_ports
from tests.cluster.manifests import CLUSTER, ROOT, documents, pinned_ray, schema_errors
from tests.stores import noise_store
from tilecppn import export

SERVICE = CLUSTER / "kuberay" / "rayservice.yaml"

ASK = """
import hashlib, http.client, json, sys
from concurrent.futures import ThreadPoolExecutor

import ray
from ray import serve

from cluster.serve import Arguments, app

def get(path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]), timeout=60)
    connection.request("GET", path, headers=headers)
    found = connection.getresponse()
    return [found.status, found.headers["ETag"], hashlib.sha256(found.read()).hexdigest()]

ray.init(address="local", num_cpus=2, include_dashboard=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
serve.run(app(Arguments(path=sys.argv[1], min_replicas=2, max_replicas=2)))
tiles = [f"/picture_files/9/{col}_{row}.png" for row in range(4) for col in range(5)]
with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(get, tiles * 3))
record = {
    "tiles": dict(zip(tiles, found[: len(tiles)])),
    "equal": found[: len(tiles)] * 3 == found,
    "again": get(tiles[0], **{"If-None-Match": found[0][1]})[0],
    "wrong": [get(path)[0] for path in ("/picture_files/9/5_0.png", "/../etc", "/picture.toml")],
    "page": get("/")[0],
    "replicas": serve.status().applications["default"].deployments["tiles"].replica_states,
}
serve.shutdown()
ray.shutdown()
print(json.dumps(record))
"""


@pytest.mark.slow
def test_replicas_answer_with_the_tiles_of_the_export(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 300, 200)
    export(store.path, tmp_path / "a.dzi")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK, str(store.path), str(*free_ports(1))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["replicas"] == {"RUNNING": 2}
    assert found["equal"]
    assert (found["page"], found["again"], found["wrong"]) == (200, 304, [404] * 3)
    for address, (status, _, digest) in found["tiles"].items():
        file = tmp_path / "a_files" / address.removeprefix("/picture_files/")
        assert (status, digest) == (200, hashlib.sha256(file.read_bytes()).hexdigest()), address


def service() -> dict[str, Any]:
    (item,) = documents(SERVICE)
    return item


def test_the_manifest_matches_the_schema() -> None:
    assert schema_errors(service()) == []
    assert service()["spec"]["rayClusterConfig"]["rayVersion"] == pinned_ray()
    wrong = service()
    wrong["spec"]["serveConfig"] = ""
    assert len(schema_errors(wrong)) == 1


def test_the_manifest_starts_what_there_is() -> None:
    pytest.importorskip("ray.serve")
    from ray.serve.schema import ServeDeploySchema

    from cluster.serve import Arguments

    config = ServeDeploySchema.model_validate(yaml.safe_load(service()["spec"]["serveConfigV2"]))
    (application,) = config.applications
    assert application.import_path == "cluster.serve:app"
    arguments = Arguments.model_validate(application.args)
    mount = arguments.path.split("/")[1]
    for group in service()["spec"]["rayClusterConfig"]["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        assert f"/{mount}" in [item["mountPath"] for item in container["volumeMounts"]]


def test_wrong_arguments_are_refused() -> None:
    pytest.importorskip("ray.serve")
    from pydantic import ValidationError

    from cluster.serve import Arguments

    for wrong in ({}, {"path": "a", "max_replicas": 0}, {"path": "a", "replicas": 2}):
        with pytest.raises(ValidationError):
            Arguments.model_validate(wrong)
