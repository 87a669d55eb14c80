"""Where a render goes, and what can go wrong there."""

import atexit
import contextlib
import os
import shutil
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

from tests import wrong_clock
from tests.buckets import BUCKET, Server
from tests.chaos.network import Network
from tests.cli.test_buckets import GROUP, files, objects
from tests.faulty_proxy import FaultyProxy
from tilecppn.addresses import BucketPath, as_path
from tilecppn.storage import client
from tilecppn.storage.bucket import Bucket

# Harms a process, or what it needs, for some seconds; returns whether there was anything to harm.
Fault = Callable[[BaseProcess, str, float], bool]
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
        self._folder = tempfile.mkdtemp(prefix="r")  # short, since names of sockets are
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._clock = Path(self._folder, "clock")
        self.environment = {"CLOCK_AHEAD": str(self._clock)}
        self.faults: dict[str, Fault] = {"kill": kill, "terminate": terminate, "stop": stop}
        if wrong_clock.library() is not None:
            self.faults["clock jumps"] = self._jump

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

    def _jump(self, process: BaseProcess, store: str, seconds: float) -> bool:
        """The render's clock jumps by up to two hours, and is set right after a while."""
        wrong_clock.jump(self._clock, round((seconds - 2.1) * HOUR))
        time.sleep(seconds)
        wrong_clock.jump(self._clock, 0)
        return True


class InBucket(Disk):
    """A bucket of a server, behind a faulty proxy, and the render on a host of its own."""

    injected: Mapping[str, tuple[int, float]] = {}
    varying = frozenset(GROUP)

    def __init__(self, name: str, server: Server, network: Network | None) -> None:
        super().__init__()
        self.name, self.server, self.network = name, server, network
        self._address = "127.0.0.1"
        self.faults |= {
            "server killed": self._restart,
            "server's clock jumps": self._shift,
            "lease lost": self._take_lease,
        }
        if not server.durable:
            del self.faults["server killed"]
        if network is not None:
            self._address, self.host = network.address, network.space(0)
            self.faults["link cut"] = self._cut

    def store(self, folder: Path) -> str:
        return f"{self.server.scheme}://{BUCKET}/{folder.name}.zarr"

    def files(self, store: str) -> dict[str, bytes]:
        path = as_path(store)
        with self._ours():
            return objects(path)

    @contextlib.contextmanager
    def disturbed(self, made: "Counter[str]", random: Random) -> Iterator[None]:
        seed = random.getrandbits(32)
        self.proxy = FaultyProxy(self.server.port, share=0.04, seed=seed, host=self._address)
        self.environment |= self.server.environment_at(self.proxy.port, self._address)
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

    def _restart(self, process: BaseProcess, store: str, seconds: float) -> bool:
        self.server.restart()
        return True

    def _shift(self, process: BaseProcess, store: str, seconds: float) -> bool:
        self.proxy.ahead += (seconds - 2.0) * HOUR / 2
        return True

    def _take_lease(self, process: BaseProcess, store: str, seconds: float) -> bool:
        """Another process takes the lease, and dies."""
        path = as_path(store)
        assert isinstance(path, BucketPath)
        with self._ours():
            Bucket(path.parent).put(f".{path.name}.lease", b'{"holder": "another"}')
        return True

    def _cut(self, process: BaseProcess, store: str, seconds: float) -> bool:
        assert self.network is not None
        with self.network.cut(0):
            time.sleep(seconds)
        return True


class Cluster(Disk):
    """A disk, and a Ray cluster of nodes on hosts of their own."""

    name = "cluster"
    slow = 0.2
    injected: Mapping[str, tuple[int, float]] = {}

    def __init__(
        self, network: Network, watch: Mapping[str, str] = WATCH, first_node: str = "true"
    ) -> None:
        """watch: Ray's settings for how soon a node counts as lost. first_node: a shell command
        that runs before Ray on the first node, whose mounts are its own.
        """
        super().__init__()
        self.network, self._first_node = network, first_node
        self.address = f"{network.address_of(0)}:6379"
        self.options = ("--executor", "ray", "--address", self.address)
        self.host = network.space(0)
        ours = {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": os.getcwd()}
        self.environment |= {**watch, **ours}
        del self.faults["stop"]
        self.faults |= {
            "node killed": self._kill_node,
            "node's link cut": self._cut_node,
            "actor killed": self._kill_actor,
            "actor stopped": self._stop_actor,
            "actor terminated": self._terminate_actor,
        }
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
        before = self._first_node if host == 1 else "true"
        command = ["sh", "-c", f'{before} && exec "$@"', "sh"]
        command += [str(Path(sys.executable).with_name("ray")), "start", "--disable-usage-stats"]
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

    def _kill_node(self, process: BaseProcess, store: str, seconds: float) -> bool:
        """A node with its workers dies at once, and another comes."""
        self.network.kill(self._some(seconds))
        time.sleep(seconds)
        self.mend()
        return True

    def _cut_node(self, process: BaseProcess, store: str, seconds: float) -> bool:
        """A node is cut off; for long enough, and Ray takes it for dead."""
        with self.network.cut(self._some(seconds)):
            time.sleep(2.0 * seconds)
        return True

    def _kill_actor(self, process: BaseProcess, store: str, seconds: float) -> bool:
        return any(_send(pid, signal.SIGKILL) for pid in self.actors(self._some(seconds)))

    def _stop_actor(self, process: BaseProcess, store: str, seconds: float) -> bool:
        return any(_stand_still(pid, seconds) for pid in self.actors(self._some(seconds)))

    def _terminate_actor(self, process: BaseProcess, store: str, seconds: float) -> bool:
        return any(_send(pid, signal.SIGTERM) for pid in self.actors(self._some(seconds)))

    def actors(self, host: int) -> list[int]:
        """The processes of a node's actors."""
        return self._of(host, b"ray::_Actor")


def kill(process: BaseProcess, store: str, seconds: float) -> bool:
    """SIGKILL."""
    return _send(process.pid, signal.SIGKILL)


def terminate(process: BaseProcess, store: str, seconds: float) -> bool:
    """SIGTERM."""
    return _send(process.pid, signal.SIGTERM)


def stop(process: BaseProcess, store: str, seconds: float) -> bool:
    """SIGSTOP, and SIGCONT after a while: perhaps longer than a lease lasts."""
    return _stand_still(process.pid, seconds)


def _stand_still(pid: int | None, seconds: float) -> bool:
    stopped = _send(pid, signal.SIGSTOP)
    time.sleep(seconds)
    return _send(pid, signal.SIGCONT) and stopped


def _send(pid: int | None, number: int) -> bool:
    """Send a signal; return whether there was a process."""
    assert pid is not None
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
