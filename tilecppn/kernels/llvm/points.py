"""Computes the network's inputs x, y, r from pixel indices, by the formula of `view.Grid`."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import ArrayOf, Compiled, Module, Target, thread_safe_cache
from tilecppn.codegen.values import ELEMENTS, F64, I64
from tilecppn.kernels.base import EvaluationContext
from tilecppn.scene.view import Lattices

GRID = ("middle_x", "middle_y", "step_x", "step_y", "xx", "xy", "yx", "yy", "center_x",
        "center_y", "origin_x", "origin_y")  # fmt: skip


class Points:
    """Computes inputs of one precision in float64, rounded once at the end."""

    def __init__(self, dtype: np.dtype[Any], target: Target) -> None:
        self.call = Compiled(_module, dtype, target=target)["points"]

    def fill(
        self, context: EvaluationContext, lattices: Lattices, inputs: NDArray[np.floating]
    ) -> None:
        """Store x, y, r of all points of lattices in `inputs` (3, at least as many)."""
        if not context.plain:
            points = len(lattices.origins) * lattices.rows * lattices.cols
            with np.errstate(over="ignore"):  # float32 ends at 3e38
                for into, values in zip(inputs, context.inputs(lattices), strict=True):
                    into[:points] = values.ravel()
            return
        self.call(
            numbers(context),
            lattices.origins,
            len(lattices.origins),
            lattices.rows,
            lattices.cols,
            lattices.stride,
            inputs,
            inputs.shape[1],
        )


@thread_safe_cache
def points_of(dtype: np.dtype[Any], target: Target) -> Points:
    """Return `Points` that are compiled once."""
    return Points(dtype, target)


@lru_cache(64)
def numbers(context: EvaluationContext) -> NDArray[np.float64]:
    """Return the grid's parameters in the order of GRID: x = xx·u + xy·v + center_x, y likewise."""
    grid = context.plane
    turned = [[grid.cosine, -grid.sine], [grid.sine, grid.cosine]]
    if grid.swap:
        turned.reverse()
    parts = (grid.middle, grid.step, *turned, grid.center, context.cppn.structure.origin)
    return np.array([number for part in parts for number in part])


def _module(dtype: np.dtype[Any]) -> Module:
    """Generate a function that stores x, y, r for each lattice, row and column."""
    real = ELEMENTS[dtype]
    module = Module()
    f = module.function(
        "points",
        grid=ArrayOf(F64),
        origins=ArrayOf(I64), lattices=I64,
        rows=I64, cols=I64, stride=I64,
        inputs=ArrayOf(real), apart=I64,
    )  # fmt: skip
    g = {name: f.array("grid").load(i) for i, name in enumerate(GRID)}
    x_out = f.array("inputs")
    y_out, r_out = x_out.at(f["apart"]), x_out.at(f["apart"] + f["apart"])
    with f.loop(f["lattices"]) as lattice:
        top = f.array("origins").load(lattice * 2)
        left = f.array("origins").load(lattice * 2 + 1)
        with f.loop(f["rows"]) as i:
            v = ((top + i * f["stride"]).to(F64) - g["middle_y"]) * g["step_y"]
            start = (lattice * f["rows"] + i) * f["cols"]
            with f.loop(f["cols"]) as j:
                u = ((left + j * f["stride"]).to(F64) - g["middle_x"]) * g["step_x"]
                x = (u * g["xx"] + v * g["xy"]) + g["center_x"]
                y = (u * g["yx"] + v * g["yy"]) + g["center_y"]
                from_x, from_y = x - g["origin_x"], y - g["origin_y"]
                r = (from_x * from_x + from_y * from_y).sqrt()
                for out, value in ((x_out, x), (y_out, y), (r_out, r)):
                    out.store(value.to(real), start + j)
    f.end()
    return module
