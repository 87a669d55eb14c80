"""`make bench`: compares kernels, whole pictures and a film with rivals in one run."""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

from benchmarks import film, kernels, pipeline, plot, serving
from benchmarks.measuring import Table
from tilecppn import machine
from tilecppn.codegen import HOST


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("out/bench.json"), help="where to write")
    parser.add_argument(
        "--only", choices=["kernels", "pipeline", "film", "serving"], help="one part"
    )
    parser.add_argument(
        "--sides", type=int, nargs="*", default=[8192], metavar="PIXELS", help="of whole pictures"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of whole pictures")
    parser.add_argument(
        "--script", type=int, default=8192, help="the plain script's largest side; then scaled"
    )
    options = parser.parse_args()
    where = (
        f"{platform.machine()} ({HOST.cpu}, vectors of {HOST.vector_bits} bits), "
        f"{machine.cores()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print(f"{where}; medians\nKernels on one core, by its CPU time; the rest on all.\n")
    tables: list[Table] = []
    details: dict[str, Any] = {}
    if options.only in (None, "kernels"):
        tables += kernels.tables()
    if options.only in (None, "pipeline"):
        found, details = pipeline.tables(options.sides, options.rounds, options.script)
        tables += found
    if options.only in (None, "film"):
        tables += film.tables()
    served = serving.report() if options.only in (None, "serving") else {}
    results = {
        "machine": where,
        "tables": [table._asdict() for table in tables],
        "pipeline": details,
        "serving": {name: row._asdict() for name, row in served.items()},
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    picture = options.json.with_suffix(".svg")
    plot.write(picture, tables, details)
    print(f"written to {options.json} and {picture}")


if __name__ == "__main__":
    main()
