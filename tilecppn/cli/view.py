"""`tilecppn view`: open an export in a browser."""

from pathlib import Path

import click

from tilecppn.cli.common import FILE
from tilecppn.cli.terminal import write_line


@click.command()
@click.argument("path", type=FILE)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port [default: a free one]."
)
@click.option("--open/--no-open", "open_", default=True, help="Open the browser.")
def command(path: Path, port: int, open_: bool) -> None:
    """Open the export PATH in your browser, served on 127.0.0.1 until Ctrl-C.

    PATH is NAME.dzi, NAME.html or the folder that holds them.

    \b
    tilecppn view poster.dzi
    """
    import contextlib
    import os
    import sys
    import webbrowser

    from tilecppn.serve.server import serve

    with serve(path, port=port) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        click.echo(address)
        write_line("press Ctrl-C to stop")
        # Only with a screen: a text browser would take over the terminal.
        screen = sys.platform == "darwin" or os.environ.get("DISPLAY")
        if open_ and (screen or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
