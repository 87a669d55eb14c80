from pathlib import Path

import click

from tilecppn.cli.common import FILE, json_option, result


@click.command()
@click.argument("store", type=FILE)
@json_option
def command(store: Path, as_json: bool) -> None:
    """Say what of STORE is done, level by level.

    \b
    tilecppn status poster.zarr
    """
    from tilecppn.store import Store

    opened = Store(store)
    levels = []
    counts = dict.fromkeys(range(len(opened.plan.levels)), 0)
    for shard in opened.plan.order():
        counts[shard.level] += opened.has(shard)
    for level in opened.plan.levels:
        levels.append(
            {
                "level": level.index,
                "width": level.width,
                "height": level.height,
                "shards": level.rows * level.cols,
                "done": counts[level.index],
            }
        )
    done = sum(counts.values())
    finished = done == opened.plan.shards
    arithmetic = opened.arithmetic
    record = {
        "store": str(store),
        "finished": finished,
        "shards": opened.plan.shards,
        "done": done,
        "levels": levels,
        "fingerprint": opened.scene.fingerprint,
        "arithmetic": arithmetic._asdict(),
    }
    lines = [
        f"{store}: {'finished' if finished else 'not finished'}, {done} of "
        f"{opened.plan.shards} shards",
        *(
            f"level {x['level']:2}  {x['width']:>10} × {x['height']:<10}  "
            f"{x['done']} of {x['shards']} shards"
            for x in levels
        ),
        f"arithmetic  {arithmetic.kernel} {arithmetic.precision} on {arithmetic.device}, "
        f"revision {arithmetic.revision}",
        f"fingerprint {opened.scene.fingerprint}",
    ]
    result("\n".join(lines), record, as_json)
