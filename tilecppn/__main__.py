"""The entry point of the command line, for `tilecppn` and `python -m tilecppn`."""

import atexit
import gc
import os
import signal
import warnings


def main() -> None:
    """Run the command line; until it handles Ctrl-C itself, Ctrl-C ends the process silently."""
    # Python's handler would print a traceback of whatever is being imported.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # At exit Python searches all imported modules for garbage: an eighth of a preview's time.
    atexit.register(gc.freeze)
    # NumPy would start a thread for each core, which waits busily for products larger than ours.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What Pillow warns of is damaged metadata in a picture.
    warnings.filterwarnings("ignore", module="PIL")
    from tilecppn.cli import main as command

    try:
        command(prog_name="tilecppn")
    except SystemExit as end:
        import contextlib
        import sys
        import threading

        # What still draws is in machine code, or compiles it; the end of Python would unload both.
        if end.code and any(thread.daemon for thread in threading.enumerate()):
            with contextlib.suppress(BrokenPipeError):
                sys.stdout.flush()
            os._exit(int(end.code))
        raise


if __name__ == "__main__":
    main()
