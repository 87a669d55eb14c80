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
    """Serve the export PATH (NAME.dzi, NAME.html or their folder) on 127.0.0.1, until Ctrl-C.

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
        write_line("Ctrl-C ends it")
        # A text browser would take the terminal: only where there is a screen.
        screen = sys.platform == "darwin" or os.environ.get("DISPLAY")
        if open_ and (screen or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
