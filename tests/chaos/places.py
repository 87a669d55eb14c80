"""Where a render goes, and what can go wrong there."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from tests.buckets import BUCKET, Moto, Server, environment
from tests.chaos.network import Network
from tests.cli.test_buckets import GROUP, files, objects
from tests.faulty_proxy import FaultyProxy
from tilecppn.addresses import BucketPath, as_path
from tilecppn.storage import client
from tilecppn.storage.bucket import Bucket

Fault = Callable[[BaseProcess, str, float], None]  # a process, its store, and for how many seconds
HOUR = 3600
NODES = 3  # of a cluster, besides its head
# Ray finds out in seconds that a node does not answer, and waits for one that starts slowly.
WATCH = {
    "RAY_health_check_initial_delay_ms": "10000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "5",
    "RAY_raylet_start_wait_time_s": "180",
}


class Disk:
    """A folder, and workers in one process.

    Attributes: name; options of the render; environment, and the host that it runs on; slow,
    seconds that each shard takes longer; faults by kind; injected, shares of the writes of files
    that fail, by kind, and with which number.
    """

    name = "disk"
    options = ("--executor", "local", "--workers", "2")
    host = ""
    slow = 0.05
    injected: Mapping[str, tuple[int, float]] = {"EIO": (5, 0.1), "full disk": (28, 0.05)}
    varying: frozenset[str] = frozenset()  # files that differ between equal stores

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.faults: dict[str, Fault] = {"kill": kill, "terminate": terminate, "stop": stop}

    def store(self, folder: Path) -> str:
        """The store of a run."""
        return f"{folder}/a.zarr"

    def files(self, store: str) -> dict[str, bytes]:
        """What lies in it."""
        return files(as_path(store))

    @contextlib.contextmanager
    def disturbed(self, made: "Counter[str]", random: Random) -> Iterator[None]:
        """What goes wrong all the time, during the block; counted in `made`."""
        yield

    def mend(self) -> None:
        """Bring back what faults left behind."""


class InBucket(Disk):
    """A bucket of a server, behind a faulty proxy, and the render on a host of its own."""

    injected: Mapping[str, tuple[int, float]] = {}
    varying = frozenset(GROUP)

    def __init__(self, name: str, server: Server, network: Network | None) -> None:
        super().__init__()
        self.name, self.server, self.network = name, server, network
        self._address = "127.0.0.1"
        self.faults |= {
            "server killed": lambda process, store, seconds: server.restart(),
            "server's clock jumps": self._shift,
            "lease lost": self._take_lease,
        }
        if isinstance(server, Moto):  # it would forget all
            del self.faults["server killed"]
        if network is not None:
            self._address, self.host = network.address, network.space(0)
            self.faults["link cut"] = self._cut

    def store(self, folder: Path) -> str:
        return f"s3://{BUCKET}/{folder.name}.zarr"

    def files(self, store: str) -> dict[str, bytes]:
        path = as_path(store)
        with self._ours():
            return objects(path)

    @contextlib.contextmanager
    def disturbed(self, made: "Counter[str]", random: Random) -> Iterator[None]:
        seed = random.getrandbits(32)
        self.proxy = FaultyProxy(self.server.port, share=0.04, seed=seed, host=self._address)
        self.environment |= environment(self.proxy.port, self._address)
        yield
        self.proxy.stop()
        made += self.proxy.made

    @contextlib.contextmanager
    def _ours(self) -> Iterator[None]:
        """The server, as this process reaches it."""
        os.environ.update(self.server.environment)
        client._client.cache_clear()
        yield
        client._client.cache_clear()

    def _shift(self, process: BaseProcess, store: str, seconds: float) -> None:
        self.proxy.ahead += (seconds - 2.0) * HOUR / 2

    def _take_lease(self, process: BaseProcess, store: str, seconds: float) -> None:
        """Another process takes the lease, and dies."""
        path = as_path(store)
        assert isinstance(path, BucketPath)
        with self._ours():
            Bucket(path.parent).put(f".{path.name}.lease", b'{"holder": "another"}')

    def _cut(self, process: BaseProcess, store: str, seconds: float) -> None:
        assert self.network is not None
        with self.network.cut(0):
            time.sleep(seconds)


class Cluster(Disk):
    """A disk, and a Ray cluster of nodes on hosts of their own."""

    name = "cluster"
    slow = 0.2
    injected: Mapping[str, tuple[int, float]] = {}

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.address = f"{network.address_of(0)}:6379"
        self.options = ("--executor", "ray", "--address", self.address)
        self.host = network.space(0)
        self.environment = {**WATCH, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.getcwd()}
        self.faults = {
            "kill": kill,
            "terminate": terminate,
            "node killed": self._kill_node,
            "node's link cut": self._cut_node,
            "actor killed": self._kill_actor,
            "actor stopped": self._stop_actor,
        }
        self._folder = tempfile.mkdtemp(prefix="r")  # short, since names of sockets are
        self._start(0, "--head", "--port=6379", "--include-dashboard=false", "--num-cpus=0")
        self.mend()

    def mend(self) -> None:
        """Start the nodes that are gone."""
        for host in range(1, NODES + 1):
            if not self._of(host, b"raylet/raylet"):
                self.network.kill(host)
                self._start(host, f"--address={self.address}", "--num-cpus=1")

    def _start(self, host: int, *options: str) -> None:
        where = [f"--node-ip-address={self.network.address_of(host)}"]
        where += [f"--temp-dir={self._folder}"] if host == 0 else []
        command = [str(Path(sys.executable).with_name("ray")), "start", "--disable-usage-stats"]
        done = subprocess.run(
            [*self.network.on(host), *command, *where, "--object-store-memory=80000000", *options],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _of(self, host: int, part: bytes) -> list[int]:
        """The processes of a node in whose command is a part."""
        found = []
        for pid in self.network.processes(host):
            with contextlib.suppress(OSError):
                if part in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def _some(self, seconds: float) -> int:
        return 1 + int(seconds * 1000) % NODES

    def _kill_node(self, process: BaseProcess, store: str, seconds: float) -> None:
        """A node with its workers dies at once, and another comes."""
        self.network.kill(self._some(seconds))
        time.sleep(seconds)
        self.mend()

    def _cut_node(self, process: BaseProcess, store: str, seconds: float) -> None:
        """A node is cut off; for long enough, and Ray takes it for dead."""
        with self.network.cut(self._some(seconds)):
            time.sleep(2.0 * seconds)

    def _kill_actor(self, process: BaseProcess, store: str, seconds: float) -> None:
        for pid in self._of(self._some(seconds), b"ray::Worker")[:1]:
            _send(pid, signal.SIGKILL)

    def _stop_actor(self, process: BaseProcess, store: str, seconds: float) -> None:
        for pid in self._of(self._some(seconds), b"ray::Worker")[:1]:
            _send(pid, signal.SIGSTOP)
            time.sleep(seconds)
            _send(pid, signal.SIGCONT)


def kill(process: BaseProcess, store: str, seconds: float) -> None:
    """SIGKILL."""
    process.kill()


def terminate(process: BaseProcess, store: str, seconds: float) -> None:
    """SIGTERM."""
    process.terminate()


def stop(process: BaseProcess, store: str, seconds: float) -> None:
    """SIGSTOP, and SIGCONT after a while: perhaps longer than a lease lasts."""
    _send(process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    _send(process.pid, signal.SIGCONT)


def _send(pid: int | None, number: int) -> None:
    assert pid is not None
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
