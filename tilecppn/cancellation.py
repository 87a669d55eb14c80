"""How long work is stopped from outside: it calls a function now and then."""

from collections.abc import Callable

CheckCancelled = Callable[[], None]  # raises to stop the work
