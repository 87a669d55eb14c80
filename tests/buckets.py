"""Real servers of object stores, each with a bucket of its own, for as long as a test session."""

import base64
import hashlib
import hmac
import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

from tests import google_storage

KEY, SECRET = "a-key-of-a-test", "a-secret-of-a-test"
BUCKET = "pictures"
# What everybody knows of Azure's emulator.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class Server(ABC):
    """A server on this machine.

    Attributes: port; environment, to reach it; scheme of addresses; durable, whether it has its
    objects after a restart.
    """

    scheme = "s3"
    durable = True
    ports: tuple[str, ...] = ("s3",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = dict(zip(self.ports, free_ports(len(self.ports)), strict=True))
        self.port = self.numbers["s3"]
        self.environment = self.environment_at(self.port)
        (folder / "data").mkdir()
        self.process = self._begin()

    @classmethod
    @abstractmethod
    def program(cls) -> str | None:
        """Where its program is; None where it is not."""

    @abstractmethod
    def command(self) -> list[str]:
        """What comes behind the program."""

    def environment_at(self, port: int, host: str = "127.0.0.1") -> dict[str, str]:
        """The variables that lead to it through a port, which may be a proxy's."""
        return environment(port, host)

    def make_bucket(self) -> int:
        """Make the bucket; returns the status of the answer."""
        headers = _signed_for_s3(f"127.0.0.1:{self.port}")
        return _put(self.port, f"/{BUCKET}", headers)

    def _begin(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [str(self.program()), *self.command()], stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while not self._answers():
            assert process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.1)
        return process

    def _answers(self) -> bool:
        try:
            return self.make_bucket() in (200, 201, 409)  # 409: the bucket is there
        except (OSError, http.client.HTTPException):
            return False

    def restart(self) -> None:
        """Kill the server, and start it again on the same port and data."""
        self.stop()
        self.process = self._begin()

    def stop(self) -> None:
        """Kill the server."""
        self.process.kill()
        self.process.wait()


class SeaweedFS(Server):
    """The dev extra has it on Linux."""

    ports = ("master", "volume", "filer", "s3")  # each has another for gRPC, 10,000 higher

    @classmethod
    def program(cls) -> str | None:
        found = Path(sys.prefix, "bin", "weed")
        return str(found) if found.exists() else None

    def command(self) -> list[str]:
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        return [
            "server",
            f"-dir={self.folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=100",
            "-volume.max=20",
            "-s3",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={self.folder / 's3.json'}",
            *(f"-{name}.port={port}" for name, port in self.numbers.items()),
        ]


class Moto(Server):
    """Another S3, in any environment: pip install "moto[server]". It keeps objects in memory."""

    durable = False

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("moto_server")

    def command(self) -> list[str]:
        return ["-H", "127.0.0.1", "-p", str(self.port)]


class Azurite(Server):
    """Azure's emulator: npm install --global azurite."""

    scheme = "az"

    def environment_at(self, port: int, host: str = "127.0.0.1") -> dict[str, str]:
        return {
            "AZURE_STORAGE_ENDPOINT": f"http://{host}:{port}/{ACCOUNT}",
            "AZURE_ALLOW_HTTP": "true",
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
        }

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("azurite-blob")

    def command(self) -> list[str]:
        folder = str(self.folder / "data")
        port = str(self.port)
        quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        return ["--blobPort", port, "--location", folder, *quiet]

    def make_bucket(self) -> int:
        path = f"/{ACCOUNT}/{BUCKET}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        lines = [f"{name}:{value}" for name, value in headers.items()]
        text = "\n".join(["PUT", *[""] * 11, *lines, f"/{ACCOUNT}{path}", "restype:container"])
        digest = hmac.digest(base64.b64decode(ACCOUNT_KEY), text.encode(), "sha256")
        signature = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
        url = f"{path}?restype=container"
        return _put(self.port, url, {**headers, "Authorization": signature})


class Google(Server):
    """A stand-in for Google's service, tests/google_storage.py. It keeps objects in memory."""

    scheme = "gs"
    durable = False
    pause = 0.0  # seconds that must pass between two changes of an object

    def environment_at(self, port: int, host: str = "127.0.0.1") -> dict[str, str]:
        account = {
            "gcs_base_url": f"http://{host}:{port}",
            "disable_oauth": True,
            **dict.fromkeys(("client_email", "private_key", "private_key_id"), ""),
        }
        file = self.folder / f"account-{port}.json"
        file.write_text(json.dumps(account))
        return {"GOOGLE_SERVICE_ACCOUNT": str(file), "GOOGLE_ALLOW_HTTP": "true"}

    @classmethod
    def program(cls) -> str | None:
        return sys.executable

    def command(self) -> list[str]:
        return [google_storage.__file__, str(self.port), str(self.pause)]


class LimitedGoogle(Google):
    """Google as its quotas say: an object may be changed once a second."""

    pause = 1.0


SERVERS: dict[str, type[Server]] = {
    "seaweedfs": SeaweedFS,
    "moto": Moto,
    "azurite": Azurite,
    "google": Google,
    "limited google": LimitedGoogle,
}


def environment(port: int, host: str = "127.0.0.1") -> dict[str, str]:
    """The variables that name an S3 server on a port."""
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


def _put(port: int, url: str, headers: Mapping[str, str]) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("PUT", url, headers=dict(headers))
        return connection.getresponse().status


def _signed_for_s3(host: str) -> Mapping[str, str]:
    """AWS signature 4 of a PUT without a body."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = (now[:8], "us-east-1", "s3", "aws4_request")
    empty = hashlib.sha256(b"").hexdigest()
    headers = {"host": host, "x-amz-content-sha256": empty, "x-amz-date": now}
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    request = "\n".join(["PUT", f"/{BUCKET}", "", *lines, "", names, empty])
    text = "\n".join(
        ["AWS4-HMAC-SHA256", now, "/".join(scope), hashlib.sha256(request.encode()).hexdigest()]
    )
    key = f"AWS4{SECRET}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{KEY}/{'/'.join(scope)}"
    return {
        **headers,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, "
        f"Signature={signature}",
    }


def free_ports(count: int) -> list[int]:
    """Ports that are free, and so are those 10,000 higher."""
    found: list[int] = []
    while len(found) < count:
        with closing(socket.socket()) as low, closing(socket.socket()) as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            if not 10_000 < port < 55_000:
                port = 20_000 + port % 10_000
            try:
                high.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            found.append(port)
    return list(dict.fromkeys(found))
