"""The types of functions that long work calls now and then to be stopped from outside.

No module of the library installs a signal handler; only the command line does.
"""

from collections.abc import Callable

CheckCancelled = Callable[[], None]  # raises an exception if the work should stop
ShouldStop = Callable[[], bool]  # returns whether the work should stop


def never() -> bool:
    """Return False: the work should not stop."""
    return False
