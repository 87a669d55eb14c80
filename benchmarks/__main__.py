"""`make bench`: kernels, a render, an export and a film, each beside its rival in one run."""

import argparse
import json
import platform
import tempfile
from pathlib import Path

import torch

from benchmarks import film, kernels, pipeline
from benchmarks.measuring import ROUNDS
from tilecppn import machine
from tilecppn.native import HOST


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("out/bench.json"), help="where to write")
    parser.add_argument("--only", choices=["kernels", "pipeline", "film"], help="one part")
    options = parser.parse_args()
    where = (
        f"{platform.machine()} ({HOST.cpu}, vectors of {HOST.vector_bits} bits), "
        f"{machine.cores()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print(f"{where}; medians of {ROUNDS}\nKernels on one core, by its CPU time; the rest on all.\n")
    tables = []
    if options.only in (None, "kernels"):
        tables += kernels.tables()
    if options.only in (None, "pipeline"):
        with tempfile.TemporaryDirectory() as folder:
            tables += pipeline.tables(Path(folder))
    if options.only in (None, "film"):
        tables += film.tables()
    results = {"machine": where, "tables": [table._asdict() for table in tables]}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    print(f"written to {options.json}")


if __name__ == "__main__":
    main()
