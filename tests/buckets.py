"""A real S3 server, SeaweedFS, with a bucket of its own, for as long as a test session."""

import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

KEY, SECRET = "a-key-of-a-test", "a-secret-of-a-test"
BUCKET = "pictures"
WEED = Path(sys.prefix, "bin", "weed")
PORTS = ("master", "volume", "filer", "s3")  # each has another for gRPC, 10,000 higher


class Server:
    """SeaweedFS on this machine. Attributes: port, of S3; environment, to reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.port = self.ports["s3"]
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        (folder / "data").mkdir()
        self.process = self._begin()
        self.environment = environment(self.port)

    def _begin(self) -> "subprocess.Popen[bytes]":
        options = [f"-{name}.port={port}" for name, port in self.ports.items()]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [
                    WEED,
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
                    *options,
                ],
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while make_bucket(self.port) != 200:
            assert process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "the S3 server does not answer"
            time.sleep(0.1)
        return process

    def restart(self) -> None:
        """Kill the server, and start it again on the same port and data."""
        self.stop()
        self.process = self._begin()

    def stop(self) -> None:
        """Kill the server."""
        self.process.kill()
        self.process.wait()


def environment(port: int) -> dict[str, str]:
    """The variables that name the server on a port."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


def make_bucket(port: int) -> int | None:
    """Make the bucket; returns the status of the answer, 200 too where it is there already."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("PUT", f"/{BUCKET}", headers=_signed(f"127.0.0.1:{port}"))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
    return 200 if status == 409 else status


def _signed(host: str) -> Mapping[str, str]:
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
