"""Tries a Ray cluster's address in a subprocess, before this process connects.

`ray.init` tries for minutes if nobody answers, and some of its errors end the process. The
subprocess makes the same call, and is killed after `TIMEOUT`. This module does not import Ray,
which reads RAY_AUTH_MODE only once.
"""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from tilecppn.errors import InvalidRequestError

CONNECT_TIMEOUT = 10.0  # seconds for a TCP connection
TIMEOUT = 30.0  # seconds for `ray.init`, which takes 1 or 2 on an idle machine
AUTH_MODE = "RAY_AUTH_MODE"
PROGRAM = """
import logging, sys
import ray
ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)
print("connected", flush=True)
"""
HINT = "--address is that of Ray's head: HOST:6379 unless it has another port, or ray://HOST:10001"

# What Ray prints when it cannot connect → the cause and the remedy.
CAUSES = {
    "InvalidAuthToken": "it asks for another token; copy the head's ~/.ray/auth_token to this "
    f"machine and set {AUTH_MODE}=token",
    "no authentication token was found": f"{AUTH_MODE}=token, but this machine has no token; copy "
    f"the head's ~/.ray/auth_token here, or set {AUTH_MODE}=disabled as the cluster has it",
    "ersion mismatch": "it has another version of Ray or Python than this machine; install the "
    "same ones",
    "Could not find any running Ray": "none runs on this machine; start it with: ray start --head",
}
# What Ray says when it cannot start on this machine, as a pattern → the cause and the remedy.
NO_START = {
    "AF_UNIX path length": "the folder of its sockets has too long a name; set RAY_TMPDIR to a "
    "shorter one, as in RAY_TMPDIR=/tmp",
    "timed out during startup": "this machine is busy; try again when it is less so, or draw with "
    "--executor local",
    r"Permission denied: '[^']*/ray\b": "its folder belongs to another user; set RAY_TMPDIR "
    "to a folder of yours",
}


def check_connection(address: str) -> None:
    """Raise InvalidRequestError, with a remedy, unless Ray answers at `address`.

    Does nothing if this process is already connected to a Ray. If the cluster asks for a token, the
    user has one, and RAY_AUTH_MODE is not set, sets it to "token": Ray itself does so only for the
    address "auto".
    """
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        return
    _check_listening(address)
    said = _try(address)
    if "InvalidAuthToken" in said and AUTH_MODE not in os.environ and _has_token():
        os.environ[AUTH_MODE] = "token"
        said = _try(address)
        if "connected" not in said:
            del os.environ[AUTH_MODE]
    if "connected" in said:
        return
    other = f"what listens there does not answer as Ray does; {HINT}"
    cause = next((text for sign, text in CAUSES.items() if sign in said), other)
    raise InvalidRequestError(f"no connection to Ray at {address}: {cause}")


def _check_listening(address: str) -> None:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT).close()
    except OSError as error:
        raise InvalidRequestError(
            f"no connection to Ray at {address}: nobody listens there "
            f"({error.strerror or error}); {HINT}"
        ) from error


def _try(address: str) -> str:
    """Connect to Ray in a subprocess; return its output up to the outcome."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    said = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line == "connected\n" or "InvalidAuthToken" in line:
                break
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
    return "".join(said)


def _has_token() -> bool:
    named = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    return named or (Path.home() / ".ray" / "auth_token").is_file()
