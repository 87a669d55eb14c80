"""`tilecppn view`: look at a scene, a film, a store or an export in a browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilecppn.cli.common import OUTPUT, set_option
from tilecppn.cli.signals import stop_request
from tilecppn.cli.terminal import write_line

if TYPE_CHECKING:
    from tilecppn.serve.server import Server


@click.command()
@click.argument("path", type=OUTPUT)
@set_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines look, too.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port [default: a free one]."
)
@click.option(
    "--cors", is_flag=True, help="Let pages of other sites read tiles, as IIIF viewers elsewhere."
)
@click.option("--open/--no-open", "open_", default=True, help="Open the browser.")
def command(
    path: Path, overrides: tuple[str, ...], host: str, port: int, cors: bool, open_: bool
) -> None:
    """Show PATH in your browser, until Ctrl-C: a scene, a film, a store or an export.

    Tiles of a scene or a timeline are drawn when you look at them, and nothing is stored. A store
    may still be rendering: what is missing is drawn for now, and darkened. An export is NAME.dzi,
    NAME.html, or the folder of one.

    \b
    tilecppn view poster.toml
    tilecppn view poster.zarr
    tilecppn view film.toml
    tilecppn view poster.dzi
    tilecppn view iiif/ --cors
    """
    from tilecppn import machine
    from tilecppn.serve.guard import is_local
    from tilecppn.serve.server import serve

    with serve(path, host=host, port=port, overrides=overrides, cors=cors) as server:
        click.echo(server.url)
        if not is_local(host):
            write_line(
                f"warning: --host {host}: whoever can reach this machine can look at the picture, "
                "its scene included, and make this machine draw; there is neither password nor "
                "encryption"
            )
            if host == "0.0.0.0" and (own := machine.address()):
                write_line(f"others on this network open http://{own}:{server.port}/")
        write_line("press Ctrl-C to stop")
        if open_:
            show(f"http://127.0.0.1:{server.port}/" if host == "0.0.0.0" else server.url)
        serve_until_stopped(server)


def serve_until_stopped(server: "Server") -> None:
    """Answer requests until Ctrl-C, and exit with 130 without an error: it is the usual end."""
    from tilecppn.errors import Interrupted

    try:
        server.serve_forever(stop_request())
    except Interrupted:
        click.get_current_context().exit(130)


def show(url: str) -> None:
    """Open the browser if there is a screen, since a text browser would take over the terminal."""
    import os
    import sys
    import webbrowser

    screen = sys.platform == "darwin" or os.environ.get("DISPLAY")
    if screen or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)
