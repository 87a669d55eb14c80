"""How long work is stopped from outside: it calls a function now and then.

Nothing here or in other modules of the library installs a signal handler; the command line does.
"""

from collections.abc import Callable

CheckCancelled = Callable[[], None]
ShouldStop = Callable[[], bool]  # whether somebody wants the work to stop


def never() -> bool:
    """Return False: nobody wants the work to stop."""
    return False
