"""How long work is stopped from outside: it calls a function now and then."""

from collections.abc import Callable

Pause = Callable[[], None]  # raises to stop the work
