from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import FILE, json_option, result, workers_option


@click.command()
@click.argument("store", type=FILE)
@click.option("--repair", is_flag=True, help="Render what is damaged or missing again.")
@workers_option
@json_option
def command(store: Path, repair: bool, workers: int | None, as_json: bool) -> None:
    """Read all of STORE and name every damaged or missing shard.

    Exits 1 if there is any, unless --repair has mended it.

    \b
    tilecppn verify poster.zarr
    tilecppn verify poster.zarr --repair
    """
    from tilecppn.cli.progress import Meter, RenderMeter
    from tilecppn.run.verify import find_damage, repair_store

    with Meter("verify") as meter:
        damage = find_damage(store, workers=workers, meter=meter)
    record: dict[str, Any] = {
        "store": str(store),
        "damaged": [list(s[:3]) for s, what in damage.items() if what == "damaged"],
        "missing": [list(s[:3]) for s, what in damage.items() if what == "missing"],
    }
    lines = [f"{shard.name}: {what}" for shard, what in damage.items()]
    if repair and damage:
        with RenderMeter("repair") as meter:
            outcome = repair_store(store, damage, workers=workers, listeners=[meter])
        record["rendered"] = outcome.rendered
        lines.append(f"{store}: repaired, {outcome.rendered} shards rendered again")
    elif damage:
        lines.append(f"{store}: {len(damage)} shards to repair: tilecppn verify {store} --repair")
    else:
        lines.append(f"{store}: whole and sound")
    result("\n".join(lines), record, as_json)
    if damage and not repair:
        raise SystemExit(1)
