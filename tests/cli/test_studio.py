"""`tilecppn studio` as a process: its address, its end, and what it refuses."""

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused
from tilecppn.serve.studio import studio


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_stopped(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "tilecppn", "studio", "--no-open"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(url) as answer:
            assert b"<title>Studio" in answer.read()
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "press Ctrl-C to stop\n")
    mode = (tmp_path / ".tilecppn" / "session.json").stat().st_mode
    assert mode & 0o077 == 0  # nobody else reads the token


def test_it_says_at_once_where_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".tilecppn").write_text("no folder")
    said: list[str] = []
    with studio(folder=tmp_path, warn=said.append) as server:
        server.socket.close()
    assert len(said) == 1
    assert "the history ends with this session" in said[0]


def test_what_it_cannot_open_is_refused(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "bad.toml").write_text("[cppn]\nsed = 1\n")
    assert_refused(cli("studio", "bad.toml", "--no-open"), 'did you mean "seed"')
    assert_refused(cli("studio", "nothing.toml", "--no-open"), "nothing.toml")
    assert_refused(cli("studio", "--set", "cppn.seed=1", "--no-open"), "--set")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert_refused(cli("studio", "--no-open", "--port", port), f"cannot listen on port {port}")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]
