"""`tilecppn view`."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import ok
from tilecppn import machine
from tilecppn.storage.store import Store

# As a shell starts what ends with &: it ignores the interrupt.
VIEW = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from tilecppn.cli import main
main(prog_name="tilecppn")
"""


@contextlib.contextmanager
def viewing(path: Path, *options: str) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """`tilecppn view`, and the address that it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", VIEW, "view", str(path), "--no-open", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_view_serves_an_export_until_it_is_interrupted(
    number: signal.Signals, copied: Store, cli: Cli, tmp_path: Path
) -> None:
    ok(cli("export", "a.zarr", "a.dzi"))
    with viewing(tmp_path / "a.dzi") as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urllib.request.urlopen(address, timeout=30) as response:
            assert response.read() == (tmp_path / "a.html").read_bytes()
        with urllib.request.urlopen(f"{address}a_files/10/2_1.png", timeout=30) as response:
            assert response.read() == (tmp_path / "a_files" / "10" / "2_1.png").read_bytes()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr == "press Ctrl-C to stop\n"


def test_listening_to_others_says_what_it_means_and_where_they_look(copied: Store) -> None:
    with viewing(copied.path, "--host", "0.0.0.0") as (process, address):
        port = re.fullmatch(r"http://0\.0\.0\.0:(\d+)/", address)
        assert port is not None
        assert process.stderr is not None
        warning, *others = iter(process.stderr.readline, "press Ctrl-C to stop\n")
    assert "there is neither password nor encryption" in warning
    own = machine.address()
    assert others == (
        [] if own is None else [f"others on this network open http://{own}:{port[1]}/\n"]
    )


def test_a_render_with_its_page_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[canvas]\nwidth = 300\nheight = 200\n")
    command = [sys.executable, "-m", "tilecppn", "render", "a.toml", "-o", "a.zarr", "--view"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            found = (re.search(r"a\.zarr is shown at (\S+)", line) for line in process.stderr)
            address = next(match[1] for match in found if match)
            with urllib.request.urlopen(f"{address}status.json", timeout=30) as response:
                assert response.status == 200
            assert process.stdout is not None
            assert process.stdout.readline().startswith("a.zarr: 300 × 200")  # and it goes on
            with urllib.request.urlopen(f"{address}status.json", timeout=30) as response:
                assert json.load(response)["finished"]
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=30)
