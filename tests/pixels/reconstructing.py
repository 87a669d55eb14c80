"""Scenes drawn with and without reconstruction."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels import EvaluationContext, Kernel, create
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

Pixels = NDArray[Any]


def whole(scene: Scene) -> Window:
    return Window(0, 0, scene.canvas.height, scene.canvas.width)


def drawn(scene: Scene, window: Window | None = None, kernel: str = "auto") -> Pixels:
    evaluator = create(kernel, EvaluationContext.of(scene))
    return render_window(evaluator, scene, window or whole(scene))


def evaluated(scene: Scene, window: Window | None = None, kernel: str = "auto") -> Pixels:
    return drawn(scene.replace(output={"tolerance": 0.0}), window, kernel)


class Agreement(NamedTuple):
    worst: int
    equal: float  # share

    @classmethod
    def of(cls, got: Pixels, expected: Pixels) -> "Agreement":
        difference = np.abs(got.astype(np.int64) - expected.astype(np.int64))
        return cls(int(difference.max()), float(np.mean(difference == 0)))


class Counting:
    """A kernel that counts the points it is asked for."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.points = 0
        self.arithmetic, self.noise, self.batch = kernel.arithmetic, kernel.noise, kernel.batch

    def evaluate(self, lattices: Lattices) -> NDArray[np.floating]:
        self.points += math.prod(lattices.shape)
        return self.kernel.evaluate(lattices)

    def trace(self, lattices: Lattices) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        self.points += math.prod(lattices.shape)
        return self.kernel.trace(lattices)


def evaluations(scene: Scene, window: Window | None = None) -> float:
    """A pixel."""
    kernel = Counting(create("auto", EvaluationContext.of(scene)))
    window = window or whole(scene)
    render_window(kernel, scene, window)
    return kernel.points / (window.height * window.width)


def random_windows(side: int, count: int, seed: int, size: int = 192) -> list[Window]:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, side - size, (count, 2), endpoint=True).tolist()
    middle = side // 2 - size // 3  # r has its tip there
    places = [[middle, middle], *corners]
    return [Window(top, left, top + size, left + size) for top, left in places]


def agreement(scene: Scene, windows: list[Window]) -> Agreement:
    kernel, exact = (
        create("auto", EvaluationContext.of(scene)),
        scene.replace(output={"tolerance": 0.0}),
    )
    each = [
        Agreement.of(render_window(kernel, scene, w), render_window(kernel, exact, w))
        for w in windows
    ]
    return Agreement(max(a.worst for a in each), float(np.mean([a.equal for a in each])))


# Blocks of every kind: some accepted at once, some on each finer lattice, some evaluated.
MIXED = Scene.of(
    cppn={"seed": 3, "width": 8, "depth": 2},
    canvas={"width": 501, "height": 333},
    view={"rotation": 20.0, "scale": 2.0},
)
