"""Measures the server of `view`: tiles per second, drawn and from memory, and their latency.

The client is a separate process on the same cores, so the server does not get all of them. If
rio-tiler is installed, it serves the same picture from a Cloud Optimized GeoTIFF to that client.
`python -m benchmarks.serving` runs it alone.
"""

import asyncio
import importlib.util
import itertools
import multiprocessing
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

from playwright.sync_api import Page, sync_playwright

from tilecppn import machine

SCENE = """
[cppn]
width = 8
depth = 6
activations = ["cos", "gaussian", "sin", "cos", "gaussian", "sin"]
seed = 8
[canvas]
width = 16384
height = 16384
"""
LEVEL, SIDE = 14, 32  # full size, and its tiles along a side
TILES = 320  # of a measurement without the cache
CACHED = 4000  # requests, for 64 tiles that are in memory
STEPS = 10  # of the wheel, into the picture
MOTIONS: Final = ("no-preference", "reduce")
WHOLE = """typeof viewer !== "undefined" && viewer.world.getItemCount() === 1
    && viewer.world.getItemAt(0).getFullyLoaded()"""
# Milliseconds from a turn of the wheel until the last tile is in sight, and is no longer faded in.
STEP = """() => new Promise((resolve) => addEventListener("wheel", () => {
    const start = performance.now();
    let since = 0, frames = 0;
    const look = () => {
        const now = performance.now();
        // The viewer looks once a frame what it needs, and again while the view moves.
        const whole = ++frames > 2 && WHOLE && !viewer.world.getItemAt(0)._isBlending;
        since = whole ? since || now : 0;
        if (whole && !viewer.isAnimating()) resolve(since - start);
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}, { capture: true, once: true }))""".replace("WHOLE", WHOLE)


class Load(NamedTuple):
    """The rate, latency and CPU time that clients measured."""

    rate: float  # answers a second
    p50: float  # ms
    p99: float  # ms
    cpu: float  # ms of the server's processor time an answer

    def __str__(self) -> str:
        return (
            f"{self.rate:8,.0f} tiles/s   p50 {self.p50:6.1f} ms   p99 {self.p99:6.1f} ms   "
            f"{self.cpu:5.2f} ms of CPU"
        )


def measure() -> dict[str, Load]:
    """Measure requests for tiles at full size, in the order of a shuffled list without repeats."""
    places = [(x, y) for x in range(SIDE) for y in range(SIDE)]
    random.Random(1).shuffle(places)
    warm, few, many = places[:32], places[32 : 32 + TILES // 4], places[-TILES:]
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        servers = {"drawn": view(Path(folder))}
        if importlib.util.find_spec("rio_tiler"):
            file = str(optimized_geotiff(Path(folder)))
            servers["rio-tiler"] = Server("benchmarks.cog_server", file)
        else:
            print("  rio-tiler is not installed: pip install rio-tiler to measure it, too")
        for name, server in servers.items():
            with server as (port, pid):
                load(port, pid, warm, 16)  # kernels are compiled, files opened
                rows[f"{name}, 1 connection"] = load(port, pid, few, 1)
                rows[f"{name}, 16 connections"] = load(port, pid, many, 16)
                if name == "drawn":
                    seen = itertools.islice(itertools.cycle(few[:64]), CACHED)
                    rows["from memory, 16 connections"] = load(port, pid, list(seen), 16)
    return rows


class Server:
    """A context manager that runs a tile server in a process; gives its port and process."""

    def __init__(self, *arguments: str) -> None:
        self.command = [sys.executable, "-m", *arguments]

    def __enter__(self) -> tuple[int, int]:
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        port = int(self.process.stdout.readline().rstrip("/\n").rpartition(":")[2])
        return port, self.process.pid

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.wait()


def view(folder: Path) -> Server:
    """Return the server `tilecppn view` for the scene."""
    scene = folder / "scene.toml"
    scene.write_text(SCENE)
    return Server("tilecppn", "view", str(scene), "--no-open")


def optimized_geotiff(folder: Path) -> Path:
    """Write the scene as a file for rio-tiler: blocks of a tile's side, deflate, overviews."""
    from rasterio.shutil import copy

    scene, store, plain = (folder / name for name in ("scene.toml", "store.zarr", "plain.tif"))
    scene.write_text(SCENE)
    for arguments in (["render", str(scene), "-o", str(store)], ["export", str(store), str(plain)]):
        subprocess.run(
            [sys.executable, "-m", "tilecppn", *arguments], check=True, capture_output=True
        )
    copy(plain, folder / "cog.tif", driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512)
    return folder / "cog.tif"


def load(port: int, pid: int, places: Sequence[tuple[int, int]], connections: int) -> Load:
    """Request tiles on so many connections, one at a time on each."""
    before = processor_seconds(pid)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        taken, times = pool.apply(_ask_all, (port, places, connections))
    cpu = 1000 * (processor_seconds(pid) - before) / len(places)
    return Load(len(places) / taken, median(times), quantiles(times, n=100)[98], cpu)


def _ask_all(
    port: int, places: Sequence[tuple[int, int]], connections: int
) -> tuple[float, list[float]]:
    """Return the seconds in total, and the milliseconds of each request."""
    return asyncio.run(_clients(port, iter(places), connections))


async def _clients(
    port: int, places: Iterator[tuple[int, int]], connections: int
) -> tuple[float, list[float]]:
    times: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for x, y in places:
            start = time.perf_counter()
            request = f"GET /picture_files/{LEVEL}/{x}_{y}.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            times.append(1000 * (time.perf_counter() - start))
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return time.perf_counter() - start, times


def processor_seconds(pid: int) -> float:
    """Return the seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


class Seen(NamedTuple):
    """The times until the picture is seen in Chromium, in a window of 1280 × 800."""

    begun: float  # s from the command until it listens
    whole: float  # s from the command to a whole picture
    steps: list[float]  # ms from each turn of the wheel to a whole picture
    still: list[float]  # the same where the view jumps, as for people who want no motion


def look() -> Seen:
    """Open the page of the scene, and zoom in by the wheel."""
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        steps = []
        for motion in MOTIONS:
            page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion=motion)
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder, view(Path(folder)) as (port, _):
                now = time.perf_counter() - start
                page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
                while not page.evaluate(WHOLE):
                    time.sleep(0.01)
                whole = time.perf_counter() - start
                steps.append([zoom_in(page) for _ in range(STEPS)])
            if motion == MOTIONS[0]:
                first = now, whole
            page.close()
        browser.close()
    return Seen(*first, *steps)


def zoom_in(page: Page) -> float:
    """Return the milliseconds from a turn of the wheel until the picture is complete."""
    page.mouse.move(500, 300)
    page.evaluate(f"window.step = ({STEP})(); 0")
    page.mouse.wheel(0, -100)
    return float(page.evaluate("window.step"))


def report() -> dict[str, Load]:
    """Measure and print."""
    print(f"Tiles on demand: 512² at full size, {machine.cores()} cores, client included")
    rows = measure()
    for name, row in rows.items():
        print(f"  {name:28} {row}")
    seen = look()
    print(f"  whole picture in Chromium: {seen.whole:.2f} s, {seen.begun:.2f} of it to start")
    for name, steps in (("turns of the wheel", seen.steps), ("without motion", seen.still)):
        times = ", ".join(f"{step:.0f}" for step in steps)
        print(f"  {name}, ms to a whole picture: {times}; median {median(steps):.0f}")
    print()
    return rows


if __name__ == "__main__":
    report()
