"""All cores: render, then Deep Zoom against libvips, which tiles the finished picture."""

from pathlib import Path

import numpy as np

import tilecppn as tc
from benchmarks.measuring import Table, rates
from tilecppn.run.render import render_to


def tables(folder: Path) -> list[Table]:
    import pyvips

    scene = tc.Scene.of(canvas={"width": 8192, "height": 8192})
    store, outcome = render_to(scene, folder / "a.zarr", executor="local")
    rate = outcome.pixels / outcome.seconds / 1e6
    level = store.plan.levels[0]
    picture = np.moveaxis(store.read(0, level.window), 0, -1)
    image = pyvips.Image.new_from_array(np.ascontiguousarray(picture))
    rounds = iter(range(1000))
    export = rates(
        {
            "export to .dzi, PNG tiles": lambda: tc.export(store.path, folder / "a.dzi"),
            "libvips dzsave, PNG level 1": lambda: image.dzsave(
                str(folder / f"vips{next(rounds)}"),
                tile_size=512,
                overlap=0,
                suffix=".png[compression=1]",
            ),
        },
        level.width * level.height,
    )
    found = [
        Table("8192² of net (32,4) into a store", {"render": rate}, "render"),
        Table("8192² to Deep Zoom", export, "libvips dzsave, PNG level 1"),
    ]
    for table in found:
        print(table)
    return found
