"""2,000 requests at once, valid and hostile, against a server in a process of its own."""

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.serve.serving import run_async
from tests.serve.test_view import HOSTILE, SCENE
from tilecppn.scene.scene import Scene
from tilecppn.serve.pictures import ScenePicture
from tilecppn.serve.protocol import REQUEST_SECONDS
from tilecppn.serve.pyramids import Tile

CLIENTS = 2000
GROWTH = 64 << 20  # bytes that the second storm may take more than the first
SLOW = b"GET / HTTP/1.1\r\nHost: loc"  # and no more


def resident(process: "subprocess.Popen[str]") -> int:
    """Bytes of memory that a process has."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


async def storm(port: int, tile: bytes, seed: int) -> Counter[str]:
    """All clients at once; each answer is what its request deserves."""
    choose, kinds = random.Random(seed), Counter[str]()
    valid = (
        b"GET /picture_files/10/3_2.png HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )

    async def one(number: int) -> None:
        kind = choose.choice(["valid", "valid", "head", "hostile", "leaves", "slow", "half"])
        begun = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            if kind == "hostile":
                writer.write(HOSTILE[number % len(HOSTILE)])
            elif kind == "slow":
                writer.write(SLOW)
            elif kind == "head":
                writer.write(valid.replace(b"GET", b"HEAD"))
            else:
                writer.write(valid)
            if kind == "half":
                writer.write_eof()
            await writer.drain()
            is_late = time.monotonic() - begun > REQUEST_SECONDS / 2  # on a busy machine
            if kind == "leaves":
                return
            answer = await asyncio.wait_for(reader.read(), 120)
            if is_late and not answer:
                return
            code = answer[9:12].decode()
            if kind == "valid":
                assert code in ("200", "503"), answer[:100]
                assert code == "503" or answer.endswith(tile)
            elif kind == "head":
                assert code in ("200", "503"), answer[:100]
                assert answer.endswith(b"\r\n\r\n")
            elif kind == "hostile":
                assert code[:1] == "4" or code == "503", answer[:100]
            elif kind == "slow":
                assert code in ("", "503"), answer[:100]
            kinds[f"{kind} {code}"] += 1
        except OSError:  # what it still sent was not read
            assert kind not in ("valid", "head")
        finally:
            writer.close()

    await asyncio.gather(*(one(number) for number in range(CLIENTS)))
    return kinds


@pytest.mark.slow
def test_a_storm_gets_right_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(SCENE.to_toml())
    tile = ScenePicture(Scene.load(file), "").painter().paint(Tile(0, 2, 3), lambda: None).data
    command = [sys.executable, "-m", "tilecppn", "view", str(file), "--no-open"]
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        contextlib.ExitStack() as ending,
    ):
        ending.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])
        first = run_async(storm(port, tile, 1))
        before = resident(process)
        second = run_async(storm(port, tile, 2))
        assert resident(process) < before + GROWTH
        for kinds in (first, second):
            assert kinds["valid 200"] > CLIENTS / 5
            assert kinds["head 200"] > CLIENTS / 10

        async def last() -> None:
            with contextlib.suppress(AssertionError, OSError):
                await storm(port, tile, 3)

        async def interrupted() -> float:
            load = asyncio.create_task(last())
            await asyncio.sleep(0.3)
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            await asyncio.to_thread(process.wait, 20)
            await load
            return time.monotonic() - start

        took = run_async(interrupted())
        print(f"ended {took:.2f} s after Ctrl-C")
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        assert process.returncode == 130
