"""`tilecppn info`: show what a file, folder or store is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tilecppn.cli.common import OUTPUT, json_option, result
from tilecppn.formatting import counted

Record = dict[str, Any]


@click.command()
@click.argument("path", type=OUTPUT)
@json_option
def command(path: Path, as_json: bool) -> None:
    """Show what PATH is: its kind, size in pixels and in print, scene, version and arithmetic.

    PATH is a scene, a timeline, a store, an export, a film or a weights file. Sizes in print are
    at the file's own resolution, or at the scene's dpi. The scene is shown in full, with what its
    preset sets.

    \b
    tilecppn info poster.toml
    tilecppn info poster.zarr --json
    """
    from tilecppn.inspection.info import info

    record = info(path)
    result("\n".join(_lines(record)), record, as_json)


def _lines(record: Record) -> list[str]:
    """Return a description for people, one line per subject."""
    lines = [f"{record['path']}: {record['kind']} ({record['format']})"]
    rows: list[tuple[str, Callable[[Record], str]]] = [
        ("width", _size_words),
        ("channels", lambda r: f"channels     {r['channels']}, {r['dtype']}"),
        ("panel", lambda r: f"panel        {r['panel']} (row-column of columns × rows)"),
        ("transfer", lambda r: f"HDR          {r['transfer']}, to {r['peak']} cd/m²"),
        ("frames", lambda r: f"film         {r['frames']:,} frames at {r['fps']} a second"),
        ("tolerance", lambda r: f"drawn        within {r['tolerance']:g} steps of 255"),
        ("shards", lambda r: f"done         {r['done']:,} of {counted(r['shards'], 'shard')}"),
        ("network", lambda r: f"network      {_network_words(r['network'])}"),
        ("view", lambda r: f"view         {_values(r['view'])}"),
        ("scene", _scene_words),
        ("version", lambda r: f"version      {r['version'] or 'unknown'}"),
        ("arithmetic", lambda r: f"arithmetic   {_values(r['arithmetic'])}"),
        ("fingerprint", lambda r: f"fingerprint  {r['fingerprint']}"),
    ]
    return lines + [words(record) for key, words in rows if key in record]


def _size_words(record: Record) -> str:
    paper = record["print"]
    return (
        f"size         {record['width']} × {record['height']} pixels; "
        f"{paper['width_cm']:g} × {paper['height_cm']:g} cm "
        f"({paper['width_in']:g} × {paper['height_in']:g} in) at {paper['dpi']:g} dpi"
    )


def _network_words(network: Record) -> str:
    return (
        f"{network['preset']}: {', '.join(network['activations'])}, {network['output']}; "
        f"width {network['width']}, z_dim {network['z_dim']}, "
        f"{counted(network['channels'], 'channel')}, {counted(network['weights'], 'weight')}"
    )


def _scene_words(record: Record) -> str:
    return "\n".join(f"[{name}]".ljust(13) + _values(v) for name, v in record["scene"].items())


def _values(values: Record) -> str:
    from tilecppn.scene.validation import format_value

    return ", ".join(f"{name} = {format_value(value)}" for name, value in values.items())
