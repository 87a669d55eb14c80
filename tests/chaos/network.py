"""Hosts of a network of their own on this machine, whose links can be cut."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator


def can_make_networks() -> bool:
    """Whether this process may make network namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None and _tries()


_NUMBERS = itertools.count(8 * os.getpid())  # other sessions have networks as well


class Network:
    """A bridge, and network namespaces with a link to it each. Attributes: address, of the bridge.

    Addresses are of 198.18.0.0/15, which is for tests of networks.
    """

    def __init__(self, hosts: int) -> None:
        number = next(_NUMBERS) % 2**16
        self._name = f"tiles{number}"
        self._prefix = f"198.{18 + number % 2}.{number // 2 % 256}"
        self.address = f"{self._prefix}.1"
        self._hosts = 0
        _ip(f"link add {self._name} type bridge")
        _ip(f"address add {self.address}/24 dev {self._name}")
        _ip(f"link set {self._name} up")
        for _ in range(hosts):
            self._add_host()

    def _add_host(self) -> None:
        host, name = self._hosts, self.space(self._hosts)
        self._hosts += 1
        _ip(f"netns add {name}")
        _ip(f"link add {name} type veth peer name eth0 netns {name}")
        _ip(f"link set {name} master {self._name} up")
        _ip(f"-n {name} address add {self.address_of(host)}/24 dev eth0")
        _ip(f"-n {name} link set eth0 up")
        _ip(f"-n {name} link set lo up")

    def address_of(self, host: int) -> str:
        """The address of a host."""
        return f"{self._prefix}.{host + 2}"

    def on(self, host: int) -> list[str]:
        """What to write before a command so that it runs on a host."""
        return ["ip", "netns", "exec", self.space(host)]

    @contextlib.contextmanager
    def cut(self, host: int) -> Iterator[None]:
        """Cut a host's link for the block: nothing arrives, and nobody is told."""
        _ip(f"link set {self.space(host)} down")
        try:
            yield
        finally:
            _ip(f"link set {self.space(host)} up")

    def processes(self, host: int) -> list[int]:
        """The processes of a host."""
        return [int(pid) for pid in _ip(f"netns pids {self.space(host)}").split()]

    def kill(self, host: int) -> None:
        """Kill all processes of a host at once, and wait for their end."""
        while pids := self.processes(host):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def close(self) -> None:
        """Kill what is left, and remove the network."""
        for host in range(self._hosts):
            self.kill(host)
            _ip(f"netns delete {self.space(host)}")
        _ip(f"link delete {self._name}")

    def space(self, host: int) -> str:
        """The name of a host's namespace."""
        return f"{self._name}-{host}"


def _ip(command: str) -> str:
    done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {command}: {done.stderr}"
    return done.stdout


def _tries() -> bool:
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return done.returncode == 0
