"""A browser whose WebGPU and WebGL2 are software, and pages drawn there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Frame, Page

from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.fineness import FinenessMap
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices
from tilecppn.shaders.page import live_page

_WEBGPU = "--enable-unsafe-webgpu --use-webgpu-adapter=swiftshader --enable-features=Vulkan"
# Software compiles slowly on a busy machine, and no test depends on how slowly.
_WEBGL = "--use-angle=swiftshader --enable-unsafe-swiftshader --disable-gpu-watchdog"
FLAGS = f"{_WEBGPU} {_WEBGL}"
WAIT = 120.0  # seconds
_DRAW = """async ([width, height, view]) => {
    const samples = picture.config.samples, scratch = document.createElement("canvas");
    const pixels = await picture.locked(() => {
        const draw = picture.prepare(width, height, samples, { ...picture.view, ...view });
        return picture.strip(draw, width, 0, height, scratch);
    });
    return Array.from(pixels);
}"""


@pytest.fixture(scope="session")
def gpu_browser(launch: Callable[[str], Browser]) -> Iterator[Browser]:
    """Headless Chromium with software for a GPU."""
    chromium = launch(FLAGS)
    yield chromium
    chromium.close()


@dataclass
class Live:
    """A live page that is open."""

    page: Page
    said: list[str] = field(default_factory=list)  # of the console, errors, and requests

    def start(self, path: Path, gpu: str = "") -> None:
        """Open a page's file and wait until it runs; nothing is drawn then but what is asked."""
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.said.append(request.url))
        self.page.goto(path.as_uri() + (f"#gpu={gpu}" if gpu else ""))
        self.page.evaluate("loaded")
        if gpu:
            assert self.page.evaluate("failures") == []
            assert self.page.evaluate("picture.gpu.name") == gpu

    @property
    def foreign(self) -> list[str]:
        """All that was said but the request for the page and its data addresses."""
        own = self.page.url.partition("#")[0]
        return [
            text for text in self.said
            if text.partition("#")[0] != own and not text.startswith("data:")
        ]  # fmt: skip

    def draw(self, width: int, height: int, **view: float) -> NDArray[np.uint8]:
        """Pixels (height, width, 3) of a view, the page's own where nothing else is said."""
        self.page.evaluate("picture.busy = true")
        values: list[int] = self.page.evaluate(_DRAW, [width, height, view])
        return np.array(values, np.uint8).reshape(height, width, 4)[:, :, :3]


@pytest.fixture
def live(gpu_browser: Browser) -> Iterator[Live]:
    context = gpu_browser.new_context(viewport={"width": 64, "height": 48})
    context.set_default_timeout(1000.0 * WAIT)
    yield Live(context.new_page())
    context.close()


def until(page: Page | Frame, condition: str) -> None:
    """Wait until a JavaScript expression is true; the page's policy forbids Playwright's way."""
    end = time.monotonic() + WAIT
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"not in {WAIT:g} s: {condition}"
        time.sleep(0.02)


def write_page(path: Path, scene: Scene, **options: Any) -> Path:
    """Write the live page of a scene."""
    path.write_text(live_page(scene, "test", **options), encoding="utf-8")
    return path


def _no_nodes(lattices: Lattices) -> list[NDArray[np.float64]]:
    raise AssertionError("nodes are for kernels")


class Measured(FinenessMap):
    """The local fineness as a page has it: of each square of 2 × 2 pixels, without a spline.

    Rows count from the top with WebGPU, and from the bottom with WebGL2.
    """

    def __init__(self, scene: Scene, context: EvaluationContext, gpu: str) -> None:
        local = context.network.local
        assert local is not None
        super().__init__(local, context, _no_nodes)
        self.context, self.apart = context, scene.output.supersample
        (top, left), self.down = scene.canvas.origin, 1 if gpu == "WebGPU" else -1
        self.origin = (top if gpu == "WebGPU" else top + scene.canvas.height - 1, left)

    def fill(self, lattices: Lattices, out: NDArray[np.float32]) -> None:
        axes = zip(lattices.indices(), self.origin, (self.down, 1), strict=True)
        row, col = (
            v - sign * self.apart * ((v // self.apart - first) % 2) for v, first, sign in axes
        )
        corner, right, below = (
            list(islice(self.context.network.hidden(*points), self.local.layer, self.local.end))
            for points in (
                self.context.points(row, col),
                self.context.points(row, col + self.apart),
                self.context.points(row + self.down * self.apart, col),
            )
        )
        squares = [
            ((np.square(b - a) + np.square(c - a)) / self.apart**2).mean(axis=-1)
            for (_, a), (_, b), (_, c) in zip(corner, right, below, strict=True)
        ]
        out[...] = self.local.of(squares).ravel()


class Even(FinenessMap):
    """The whole picture's fineness everywhere, as a function alone has it."""

    def fill(self, lattices: Lattices, out: NDArray[np.float32]) -> None:
        out[...] = self.local.typical


def kernels_picture(scene: Scene) -> NDArray[np.uint8]:
    """The picture (height, width, 3) in float64, each pixel evaluated."""
    return _picture(scene, ReferenceKernel(EvaluationContext.of(scene)))


def oracle(scene: Scene, gpu: str = "WebGL2") -> NDArray[np.uint8]:
    """The same as a page fades detail, or a function alone (without a `gpu`)."""
    context = EvaluationContext.of(scene)
    kernel, local = ReferenceKernel(context), context.network.local
    if local is not None:
        even = Even(local, context, _no_nodes)
        kernel.fineness = Measured(scene, context, gpu) if gpu else even
    return _picture(scene, kernel)


def _picture(scene: Scene, kernel: ReferenceKernel) -> NDArray[np.uint8]:
    exact = scene.replace(output={"tolerance": 0.0, "dtype": "uint8"})
    canvas = exact.canvas
    pixels = render_window(kernel, exact, Window(0, 0, canvas.height, canvas.width))
    return np.broadcast_to(np.moveaxis(pixels, 0, -1), (canvas.height, canvas.width, 3))


def check_close(found: NDArray[np.uint8], wanted: NDArray[np.uint8], most: int = 3) -> None:
    """At least 99.9 % of the values within 1 step, and none further than `most`."""
    off = np.abs(found.astype(int) - wanted.astype(int))
    assert (off <= 1).mean() >= 0.999, f"{(off > 1).mean():.3%} off by more than 1"
    assert off.max() <= most
