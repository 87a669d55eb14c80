"""What the tests of all kernels share."""

from typing import Any

import numpy as np
from hypothesis import settings

from tilecppn.kernels import EvaluationContext, create
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

LAWS = settings(max_examples=30)


LATTICE = Lattices.one(3, 5, 13, 17, 29)


CLOSE = 1e-5  # float32, a few sums deep


FINE: dict[str, Any] = {"center": [5.0, 3.0], "scale": 1e-6}  # float32 cannot hold these points


def compared(name: str, scene: Scene, seed: int, windows: int = 6) -> tuple[int, float]:
    """Largest difference and share of equal values, a kernel against the oracle, 64² windows."""
    rng = np.random.default_rng(seed)
    picture = EvaluationContext.of(scene)
    fast, slow = create(name, picture), ReferenceKernel(picture)
    most, equal = 0, 0.0
    for _ in range(windows):
        top = int(rng.integers(0, scene.canvas.height - 64))
        left = int(rng.integers(0, scene.canvas.width - 64))
        window = Window(top, left, top + 64, left + 64)
        a, b = (render_window(k, scene, window).astype(np.int64) for k in (fast, slow))
        most = max(most, int(np.abs(a - b).max()))
        equal += float(np.mean(a == b)) / windows
    return most, equal
