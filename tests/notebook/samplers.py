"""What the tests of Sampler share."""

from typing import Any

import numpy as np

import tilecppn as tc
from tilecppn.kernels import EvaluationContext, create
from tilecppn.scene.view import Lattices


def exact(sampler: tc.Sampler, z: Any, width: int, height: int) -> Any:
    """The reference kernel's picture of a Sampler's scene."""
    scene = sampler.scene(z, width, height)
    colour = create("reference", EvaluationContext.of(scene)).evaluate(
        Lattices.one(0, 0, height, width)
    )[:, 0]
    return np.moveaxis(colour, 0, -1)
