"""Arguments, options and output that verbs share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)


def scene_argument(function: F) -> F:
    """SCENE and --set, given to the verb as `scene` (a path) and `overrides`."""
    function = click.option(
        "--set",
        "overrides",
        metavar="SECTION.KEY=VALUE",
        multiple=True,
        help="Override a value of the scene; may be repeated.",
    )(function)
    return click.argument("scene", type=FILE)(function)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of text."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 4096),
    help="How many workers, one thread each (default: one a core, or a GPU).",
)
kernel_option = click.option(
    "--kernel",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="What evaluates the network: auto, reference, llvm, torch.",
)


def result(text: str, record: dict[str, Any], as_json: bool) -> None:
    """Print a verb's result on stdout: words for people, or one JSON object."""
    click.echo(json.dumps(record) if as_json else text)


def load(path: Path, overrides: tuple[str, ...]) -> Any:
    """The scene of a file, with --set's values."""
    from tilecppn.scene import Scene

    return Scene.load(path, overrides)
