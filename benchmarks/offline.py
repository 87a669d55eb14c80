"""Compiles the Triton kernel for absent GPUs: registers, spills, instructions.

`python -m benchmarks.offline` needs neither a GPU nor a driver: Triton brings its own assembler.
The figures are of the code, not of a run. The bounds are what the code allows at most on an H200,
of 132 multiprocessors at 1.98 GHz: if each issued four instructions in every cycle, and if its
special-function units took a new value in every cycle, whichever is less.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

from tilecppn.kernels import RAW_COLOURS, EvaluationContext, PixelFormat
from tilecppn.kernels.triton.network import network
from tilecppn.kernels.triton.program import Configuration, Program
from tilecppn.scene.scene import Scene
from tilecppn.scene.view import Lattices

TOOL = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
# Address, then an instruction with or without a predicate, then its operands.
LINE = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+ +)?([A-Z][A-Z0-9_.]*)([^;]*);")


class Absent:
    """A driver of an absent GPU, for which code can be compiled but not run."""

    def __init__(self, architecture: int) -> None:
        self.architecture = architecture

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.architecture, 32)

    def get_current_device(self) -> int:
        return self.architecture  # by which compiled functions are kept apart

    def get_current_stream(self, device: int) -> int:
        return 0


class Instruction(NamedTuple):
    address: int
    name: str
    operands: str


class Code(NamedTuple):
    """The assembled code of one kernel for one architecture."""

    registers: int
    stack: int  # bytes a thread: spilled registers
    shared: int  # bytes a program
    ptx: str
    instructions: list[Instruction]

    def count(self, name: str) -> int:
        """Count the instructions of that name, with any suffix after a dot."""
        return Counter(i.name.partition(".")[0] for i in self.instructions)[name]

    def executed(self, turns: int, name: str = "") -> int:
        """Count the instructions that one thread executes, if the largest loop takes `turns`.

        Only those whose name begins with `name`.
        """
        loops = [(0, -1)]
        for i in self.instructions:
            target = re.search(r"0x([0-9a-f]+)", i.operands)
            if i.name.startswith("BRA") and target and int(target[1], 16) < i.address:
                loops.append((int(target[1], 16), i.address))
        start, end = max(loops, key=lambda loop: loop[1] - loop[0])
        return sum(
            turns if start <= i.address <= end else 1
            for i in self.instructions
            if i.name.startswith(name)
        )


def compiled(
    architecture: int,
    context: EvaluationContext,
    pixel_format: PixelFormat = RAW_COLOURS,
    traced: bool = False,
    configuration: Configuration | None = None,
) -> Code:
    """Compile the kernel as `Program.launch` would for a GPU of that architecture: 80, 90, …."""
    program = Program(context, torch.device("cpu"), configuration)
    lattices = Lattices(np.zeros((1, 2), np.int64), 64, 64, 1)
    out = torch.empty((context.cppn.channels, 1, 64, 64), dtype=getattr(torch, pixel_format.dtype))
    sums = torch.empty((1 if traced else 0, 1, 64, 64))
    call = program.call(lattices, pixel_format, out, sums)
    driver.set_active(Absent(architecture))
    kernel = network.warmup(*call.arguments, grid=call.grid, **call.options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        usage, assembly = (
            subprocess.run([TOOL, f, file.name], capture_output=True, text=True, check=True).stdout
            for f in ("-res-usage", "-sass")
        )
    found = re.search(r"REG:(\d+) STACK:(\d+)", usage)
    assert found is not None, usage
    lines = [Instruction(int(a, 16), name, rest) for a, name, rest in LINE.findall(assembly)]
    return Code(int(found[1]), int(found[2]), kernel.metadata.shared, kernel.asm["ptx"], lines)


class Case(NamedTuple):
    network: dict[str, Any]
    output: Mapping[str, Any] = MappingProxyType({})
    view: Mapping[str, Any] = MappingProxyType({})
    pixel_format: PixelFormat = RAW_COLOURS
    traced: bool = False

    @property
    def context(self) -> EvaluationContext:
        canvas = {"width": 1 << 20, "height": 1 << 20}
        scene = Scene.of(cppn=self.network, canvas=canvas, output=self.output, view=self.view)
        return EvaluationContext.of(scene)


ARCHITECTURES = (80, 90, 100)
MAIN = {
    "net (32,4)": Case({}),
    "net (32,4), fast": Case({}, {"precision": "fast"}),
    "net (32,4), 8 bits": Case({}, pixel_format=PixelFormat("uint8", invert=True, dither=True)),
    "net (32,4), folded, traced": Case({}, view={"mirror": "x"}, traced=True),
}
CASES = {
    **MAIN,
    "residual": Case({"preset": "hardmaru-residual"}),
    "detail": Case({"preset": "jupiter", "depth": 6}),
    "detail, mixtures": Case({"preset": "ink", "depth": 6}),
    **{
        f"width {width}, {name}": Case({"width": width, "activations": names})
        for width in (16, 32, 64, 128, 256)
        for name, names in (
            ("tanh", ["tanh"] * 4),
            ("softplus", ["softplus"] * 4),
            ("four kinds", ["tanh", "sin", "gaussian", "relu"]),
        )
    },
}


def figures(architecture: int, case: Case) -> dict[str, Any]:
    """Return the figures of one case as a JSON object."""
    program = Program(case.context, torch.device("cpu"))
    code = compiled(architecture, case.context, case.pixel_format, case.traced)
    points = program.configuration.block / (32 * program.configuration.warps)  # a thread
    turns = program.shape.REPEATS
    issued, special = (code.executed(turns, name) / points for name in ("", "MUFU"))
    clock = 132 * 1.98
    return {
        "registers": code.registers,
        "stack": code.stack,
        "shared": code.shared,
        "instructions": len(code.instructions),
        "a point": round(issued),
        "bound": round(min(clock * 128 / issued, clock * 16 / special), 1),
        "matrix": sum(code.count(name) for name in ("HMMA", "HGMMA", "UTCHMMA")),
        "local": code.count("LDL") + code.count("STL"),
        "float64": code.count("DADD") + code.count("DMUL") + code.count("DFMA"),
        "tanh.approx": code.ptx.count("tanh.approx"),
        "ex2.approx": code.ptx.count("ex2.approx"),
        "div": len(re.findall(r"\bdiv\.\w+\.f", code.ptx)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__)
    parser.add_argument("--main", action="store_true", help="only the default network")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--architecture", type=int, choices=ARCHITECTURES, help="only this one")
    options = parser.parse_args()
    wanted = ARCHITECTURES if options.architecture is None else (options.architecture,)
    for architecture in wanted:
        for name, case in (MAIN if options.main else CASES).items():
            found = figures(architecture, case)
            if options.json:
                print(json.dumps({"architecture": architecture, "case": name, **found}))
            else:
                words = ", ".join(f"{value} {key}" for key, value in found.items())
                print(f"sm_{architecture}  {name:24} {words}", flush=True)


if __name__ == "__main__":
    main()
