import textwrap
from typing import Any

import click

from tilecppn.cli.common import json_option, result

INDENT: dict[str, Any] = {"initial_indent": "  ", "subsequent_indent": "  "}


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the presets, the activations and the colour maps.

    \b
    tilecppn presets
    """
    from tilecppn.cppn.activations import ACTIVATIONS
    from tilecppn.cppn.presets import PRESETS
    from tilecppn.scene.palettes import names

    record = {
        "presets": {
            name: {
                "description": p.description,
                "activations": list(p.activations),
                "output": p.output,
                "width": p.width,
                "z_dim": p.z_dim,
                "channels": p.channels,
                "inputs": list(p.inputs),
                "residual": p.residual,
            }
            for name, p in PRESETS.items()
        },
        "activations": {name: a.formula for name, a in ACTIVATIONS.items()},
        "palettes": names(),
    }
    lines = ["Presets"]
    for name, p in PRESETS.items():
        lines.append(f"  {name:20} {p.description}; width {p.width}, z_dim {p.z_dim}")
    lines.append("Activations")
    lines += [f"  {name:20} {a.formula:23} {a.source}" for name, a in ACTIVATIONS.items()]
    lines += ["Palettes (with _r backwards)", *textwrap.wrap(", ".join(names()), 96, **INDENT)]
    result("\n".join(lines), record, as_json)
