"""Measures the studio in headless Chromium: opening, a slider of the latent, 100 thumbnails.

The window is 1280 × 800 and the canvas as large; browser and server share the machine's cores.
`python -m benchmarks.studio` runs it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from benchmarks.serving import processor_seconds
from tilecppn import machine

PRESETS = ("silk", "hardmaru", "jupiter")
OPENINGS, CHANGES, WALLS = 5, 15, 5
# Milliseconds from the beginning of the page.
OPENED = """const times = window.times = {};
const look = () => {
    const { begun, complete } = document.getElementById("view")?.dataset ?? {};
    if (begun) times.coarse ??= performance.now();
    if (complete) times.complete ??= performance.now();
    if (!times.complete) requestAnimationFrame(look);
};
requestAnimationFrame(look);"""
CHANGED = """async (value) => {
    const { state, change } = window.studio, { dataset } = document.getElementById("view");
    const before = state.scene.id, z = [value, ...state.scene.z.slice(1)];
    const start = performance.now();
    change({ latent: { z } }, false);
    for (let coarse;;) {
        await new Promise(requestAnimationFrame);
        const { id } = state.scene, now = performance.now() - start;
        if (id !== before && dataset.begun === id) coarse ??= now;
        if (id !== before && dataset.complete === id) return [coarse, now];
    }
}"""
THUMBNAILS = """async (start) => {
    const begun = performance.now();
    const base = window.studio.state.scene.id;
    const asked = { base, kind: "seeds", start, count: 100, amount: 0 };
    const answer = await fetch("variations", { method: "POST", body: JSON.stringify(asked) });
    const { variations } = await answer.json();
    const { Loader, dataUrl } = await import(new URL("loader.js", document.baseURI));
    const { ASKING } = await import(new URL("wall.js", document.baseURI));
    return new Promise((resolve) => {
        let missing = variations.length;
        new Loader(ASKING, async (address, png) => {
            const image = new Image();
            image.src = dataUrl(png);
            await image.decode();
            if (!--missing) resolve(performance.now() - begun);
        }).want(variations.map(({ id }) => `128/${id}`));
    });
}"""


class Times(NamedTuple):
    """Median times in milliseconds; CPU is the server's."""

    coarse: float
    complete: float
    slider_coarse: float
    slider_complete: float
    slider_cpu: float
    thumbnails: float
    thumbnails_cpu: float


def measure(browser: Browser, preset: str) -> Times:
    """Open the studio on a preset, and act as a user does."""
    opened, changed, walls, cpu = [], [], [], []
    with studio(preset) as (url, pid):
        for _ in range(OPENINGS):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(OPENED)
            page.goto(url)
            while not page.evaluate("window.times.complete"):
                time.sleep(0.01)
            opened.append(page.evaluate("[window.times.coarse, window.times.complete]"))
            page.wait_for_load_state("networkidle")
            if len(opened) < OPENINGS:
                page.close()
        for i in range(CHANGES):
            before = processor_seconds(pid)
            changed.append(page.evaluate(CHANGED, 0.1 * i - 0.7))
            cpu.append(1000 * (processor_seconds(pid) - before))
        page.wait_for_load_state("networkidle")
        for i in range(WALLS):
            before = processor_seconds(pid)
            took = page.evaluate(THUMBNAILS, 1000 * (i + 1))
            walls.append((took, 1000 * (processor_seconds(pid) - before)))
        page.close()
    columns = [*zip(*opened, strict=True), *zip(*changed, strict=True), cpu]
    columns += zip(*walls, strict=True)
    return Times(*(median(column) for column in columns))


@contextmanager
def studio(preset: str) -> Iterator[tuple[str, int]]:
    """Run a studio on a preset in a separate process; give its address and process."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder, "scene.toml")
        scene.write_text(
            f'[cppn]\npreset = "{preset}"\nseed = 7\n[canvas]\nwidth = 1280\nheight = 800\n'
        )
        command = [sys.executable, "-m", "tilecppn", "studio", str(scene), "--no-open"]
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            try:
                yield found[0], process.pid
            finally:
                process.terminate()


def report() -> None:
    """Measure and print."""
    print(f"The studio in Chromium, 1280 × 800, {machine.cores()} cores; medians in ms")
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        for preset in PRESETS:
            for name, value in measure(browser, preset)._asdict().items():
                print(f"  {preset:9} {name.replace('_', ' '):20} {value:6.0f}")
        browser.close()


if __name__ == "__main__":
    report()
