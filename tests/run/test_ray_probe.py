"""Is there a Ray at an address: every answer a user can get, in one line."""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tilecppn.errors import InvalidRequestError
from tilecppn.run.executors import ray_probe
from tilecppn.run.executors.ray_probe import AUTH_MODE, check_connection


@pytest.fixture(autouse=True)
def unconnected(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may have connected this process to a Ray."""
    if "ray_here" not in request.fixturenames:
        monkeypatch.delitem(sys.modules, "ray", raising=False)


@contextmanager
def answering(words: bytes | None) -> Iterator[str]:
    """The address of a server that says `words` to everybody, and hangs up; or says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers: list[socket.socket] = []

        def answer() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                peers.append(peer)
                if words is not None:
                    peer.sendall(words)
                    peer.close()

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        for peer in peers:
            peer.close()


def said(address: str) -> str:
    with pytest.raises(InvalidRequestError) as error:
        check_connection(address)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_an_address_where_nobody_listens(prefix: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert "nobody listens" in said(f"{prefix}127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.2p1\r\n", None])
def test_an_address_where_somebody_else_listens(
    monkeypatch: pytest.MonkeyPatch, words: bytes | None
) -> None:
    monkeypatch.setattr(ray_probe, "TIMEOUT", 3.0)
    with answering(words) as address:
        assert "does not answer as Ray does" in said(address)


@pytest.mark.parametrize(
    ("printed", "remedy"),
    [
        ("Unauthenticated: RPC error: InvalidAuthToken: token is missing", "auth_token"),
        ("Token authentication is enabled but no authentication token was found.", "no token"),
        ("RuntimeError: Version mismatch: The cluster was started with:\n Ray: 2.9", "same ones"),
        ("ConnectionError: Could not find any running Ray instance.", "ray start --head"),
        ("Segmentation fault", "does not answer as Ray does"),
    ],
)
def test_what_ray_prints_is_told_in_one_line_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, printed: str, remedy: str
) -> None:
    monkeypatch.setenv(AUTH_MODE, "token")
    monkeypatch.setattr(ray_probe, "_try", lambda address: printed)
    assert remedy in said("auto")


@pytest.mark.parametrize(("here", "right"), [(True, True), (True, False), (False, False)])
def test_a_token_in_the_users_home_is_used(
    monkeypatch: pytest.MonkeyPatch, homeless: Path, here: bool, right: bool
) -> None:
    monkeypatch.delenv(AUTH_MODE, raising=False)
    monkeypatch.setenv("HOME", str(homeless))
    if here:
        (homeless / ".ray").mkdir()
        (homeless / ".ray" / "auth_token").write_text("secret")
    tried: list[str | None] = []

    def answer(address: str) -> str:
        tried.append(os.environ.get(AUTH_MODE))
        return "connected\n" if right and tried[-1] == "token" else "InvalidAuthToken"

    monkeypatch.setattr(ray_probe, "_try", answer)
    if right:
        check_connection("auto")
        assert os.environ[AUTH_MODE] == "token"
        del os.environ[AUTH_MODE]
    else:
        assert "auth_token" in said("auto")
        assert AUTH_MODE not in os.environ
    assert tried == ([None, "token"] if here else [None])


def test_a_ray_that_runs_is_found(ray_here: None) -> None:
    import ray

    address = ray.get_runtime_context().gcs_address
    assert "connected" in ray_probe._try(address)
    check_connection("nowhere:1")  # is not tried: this process is connected already
