"""`tilecppn` and `python -m tilecppn`: the command line."""

import atexit
import gc
import signal


def main() -> None:
    """Run the command line; until it handles Ctrl-C itself, that ends the process silently."""
    # Python's own handler would print a traceback of whatever was being imported.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # At its end Python looks through all that was imported for garbage: an eighth of a preview.
    atexit.register(gc.freeze)
    from tilecppn.cli import main as command

    command(prog_name="tilecppn")


if __name__ == "__main__":
    main()
