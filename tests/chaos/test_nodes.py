"""A Ray cluster with Ray's own settings, whose nodes die or vanish, or whose render does."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.__main__ import Chaos
from tests.chaos.child import Setting, begin
from tests.chaos.network import Network, can_make_networks
from tests.chaos.places import NODES, Cluster

pytestmark = pytest.mark.slow
PATIENCE = 300.0  # seconds: the end of it, not a measure
WATCH = {"RAY_raylet_start_wait_time_s": "180"}  # beside other work a node starts slowly


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Chaos:
    return Chaos(tmp_path_factory.mktemp("chaos"))


@pytest.fixture
def networks() -> Iterator[list[Network]]:
    """Those that are to be closed."""
    if not can_make_networks():
        pytest.skip("needs root and network namespaces")
    found: list[Network] = []
    yield found
    for network in found:
        network.close()


def new_cluster(networks: list[Network], first_node: str = "true") -> Cluster:
    networks.append(Network(NODES + 1))
    return Cluster(networks[-1], WATCH, first_node)


class Render:
    """A render on a cluster, whose shards take so many seconds more."""

    def __init__(self, chaos: Chaos, cluster: Cluster, folder: Path, slow: float) -> None:
        self.chaos, self.cluster = chaos, cluster
        self.store = cluster.store(folder)
        self.log, self.said = folder / "log.jsonl", folder / "said.txt"
        self.log.unlink(missing_ok=True)
        command = ["render", str(chaos.scene), "-o", self.store, *cluster.options]
        setting = Setting(cluster.environment, str(self.said), slow, cluster.host)
        self.process = begin([*command, "--log", str(self.log)], setting)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind so far."""
        text = self.log.read_text() if self.log.exists() else ""
        events = map(json.loads, text.split("\n")[:-1])
        return [event for event in events if event["event"] == kind]

    def wait_for(self, kind: str, count: int) -> float:
        """Wait for so many events of a kind; return after how many seconds they were there."""
        began = time.monotonic()
        while len(self.events(kind)) < count:
            assert self.process.is_alive(), self.said.read_text()
            assert time.monotonic() < began + PATIENCE, self.said.read_text()
            time.sleep(0.1)
        return time.monotonic() - began

    def end(self) -> None:
        """Wait for its end; no byte of its store differs."""
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0, self.said.read_text()
        assert not self.chaos.differing(self.cluster, self.store)


def test_a_node_whose_processes_die_is_noticed_and_the_others_draw_its_shards(
    networks: list[Network], chaos: Chaos, tmp_path: Path
) -> None:
    """Within about 15 seconds, and as many more as other work on this machine takes."""
    render = Render(chaos, new_cluster(networks), tmp_path, slow=2.0)
    render.wait_for("TaskDone", 5)
    networks[0].kill(1)
    assert render.wait_for("WorkerLost", 1) < 60.0
    render.end()


def test_a_node_that_vanishes_is_noticed_and_the_others_draw_its_shards(
    networks: list[Network], chaos: Chaos, tmp_path: Path
) -> None:
    """Within about 64 seconds, before the two minutes after which a shard counts as hung."""
    render = Render(chaos, new_cluster(networks), tmp_path, slow=4.0)
    render.wait_for("TaskDone", 5)
    with networks[0].cut(1):
        assert render.wait_for("WorkerLost", 1) < 115.0
        render.end()


@pytest.mark.parametrize(
    ("mounts", "says"),
    [
        ("mount -t tmpfs none {0}", "must lie on a disk that all nodes share"),
        ("mount --bind {0} {0} && mount -o remount,bind,ro {0}", "Read-only file system"),
    ],
    ids=["unseen", "read-only"],
)
def test_a_node_without_the_store_is_named_and_the_others_go_on(
    mounts: str, says: str, networks: list[Network], chaos: Chaos, tmp_path: Path
) -> None:
    """After a minute and a half at most, and no shard is blamed."""
    cluster = new_cluster(networks, mounts.format(tmp_path))
    render = Render(chaos, cluster, tmp_path, slow=4.0)
    render.wait_for("WorkerJoined", NODES)
    assert render.wait_for("WorkerRejected", 1) < 115.0
    (rejected,) = render.events("WorkerRejected")
    assert says in rejected["reason"]
    render.end()
    assert not render.events("AttemptFailed")


def test_workers_end_with_their_coordinator_and_the_same_command_goes_on(
    networks: list[Network], chaos: Chaos, tmp_path: Path
) -> None:
    cluster = new_cluster(networks)
    render = Render(chaos, cluster, tmp_path, slow=0.5)
    render.wait_for("TaskDone", 20)
    assert any(cluster.actors(host) for host in range(1, NODES + 1))
    render.process.kill()
    began = time.monotonic()
    while any(cluster.actors(host) for host in range(1, NODES + 1)):
        assert time.monotonic() < began + 60.0
        time.sleep(0.1)
    again = Render(chaos, cluster, tmp_path, slow=0.0)
    again.end()
    assert len(again.events("TaskSkipped")) >= 15  # of each level the one above is made anew


def test_a_cluster_that_takes_the_place_of_a_lost_head_goes_on(
    networks: list[Network], chaos: Chaos, tmp_path: Path
) -> None:
    render = Render(chaos, new_cluster(networks), tmp_path, slow=0.5)
    render.wait_for("TaskDone", 20)
    networks[0].kill(0)  # the render runs there, too
    render.process.join(PATIENCE)
    assert render.process.exitcode not in (0, None)
    again = Render(chaos, new_cluster(networks), tmp_path, slow=0.0)
    again.end()
    assert len(again.events("TaskSkipped")) >= 15
