"""`tilecppn studio`: find a picture by looking, in a browser."""

from pathlib import Path

import click

from tilecppn.cli.common import OUTPUT, set_option
from tilecppn.cli.terminal import write_line


@click.command()
@click.argument("scene", type=OUTPUT, required=False)
@set_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port [default: the last session's, or a free one].",
)
@click.option("--open/--no-open", "open_", default=True, help="Open the browser.")
def command(scene: Path | None, overrides: tuple[str, ...], port: int, open_: bool) -> None:
    """Find pictures in your browser: look at variations, take one, change it, save it as a scene.

    SCENE is a scene file, a store, an export or an image made by tilecppn; without it the studio
    goes on where you left it in this folder. Scenes are opened and saved below this folder, and the
    history is kept in .tilecppn. Only this machine can reach the studio, and only the address with
    its token, which is printed. Ctrl-C ends it.

    \b
    tilecppn studio
    tilecppn studio poster.toml
    tilecppn studio poster.toml --set cppn.preset=jupiter --port 8080
    """
    from tilecppn.cli.view import serve_until_stopped, show
    from tilecppn.errors import InvalidRequestError
    from tilecppn.serve.studio import studio

    if overrides and scene is None:
        raise InvalidRequestError("--set needs a SCENE whose values it overrides")

    def warn(text: str) -> None:
        write_line(f"warning: {text}")

    with studio(scene, port=port, overrides=overrides, warn=warn) as server:
        click.echo(server.url)
        write_line("press Ctrl-C to stop")
        if open_:
            show(server.url)
        serve_until_stopped(server)
